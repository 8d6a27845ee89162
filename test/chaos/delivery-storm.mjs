import { rest } from '../benchmark/product.mjs';

const WATCH_MS = 20;
const WATCH_MS_MAX = 8_000;
const PAUSE_MS_MAX = 2_500;

/**
 * Kills one part after another, without a warning, and lets it come back: as often as the plan says, and on until so many
 * workers died with a message that was taken and not recorded; or until it is over.
 *
 * @returns how many were killed, by name, and with how many messages on their way
 */
export async function storm({ product, sandbox, random, plan, isHurried, isOver }) {
  const counts = { worker: 0, api: 0, temporal: 0, postgres: 0 };
  let inFlight = 0;
  let messages = 0;
  const total = () => Object.values(counts).reduce((sum, count) => sum + count, 0);
  const isDone = () => total() >= plan.kills && inFlight >= plan.inFlight;
  while (!isDone() && !isOver()) {
    const isAimed = random.below(2) === 0 || total() >= plan.kills;
    const victim = random.of(['worker', 'worker', 'api', 'temporal', 'postgres']);
    await rest(random.below(PAUSE_MS_MAX));
    const name = isAimed ? 'worker' : victim;
    if (isAimed) await untilTaken(product, sandbox, isOver);
    if (isOver()) break;
    counts[name] += 1;
    if (name === 'postgres') {
      await product.killPostgres();
      continue;
    }
    await product[name].kill();
    if (name === 'worker') {
      const dying = await takenAndNotRecorded(product, sandbox);
      inFlight += dying > 0 ? 1 : 0;
      messages += dying;
      if (isHurried) await endAttempts(product);
    }
    await product[name].up();
  }
  return { counts, total: total(), inFlight, messages };
}

/** Until a provider has taken a message that is not recorded; not for ever. */
async function untilTaken(product, sandbox, isOver) {
  const until = Date.now() + WATCH_MS_MAX;
  while (!isOver() && Date.now() < until && (await takenAndNotRecorded(product, sandbox)) === 0) await rest(WATCH_MS);
}

/** Of attempts that may be alive: what was in doubt before is nobody's death. */
async function takenAndNotRecorded(product, sandbox) {
  const rows = await product
    .query(
      `select id from deliveries where state = 'sending' and ask_at is null and attempted_at > clock_timestamp() - interval '12 seconds'`,
    )
    .catch(() => []);
  let count = 0;
  for (const { id } of rows) {
    const { count: taken } = await sandbox.ask('GET', `/admin/accepted?limit=1&key=${id}`);
    if (taken > 0) count += 1;
  }
  return count;
}

/** Attempts that are over already count as over: those of a dead worker, or those that ended without an answer. */
export async function endAttempts(product, which = 'true') {
  await product
    .query(
      `update deliveries set deadline_at = clock_timestamp()
        where state = 'sending' and deadline_at > clock_timestamp() and ${which}`,
    )
    .catch(() => undefined);
}
