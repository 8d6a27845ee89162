/**
 * What a disturbed pass did otherwise than the undisturbed one.
 *
 * @param calm,storm each with `runs` {user, state, reason, path}, `deliveries` {user, step, state} and `mails` {user,
 *   template}; templates bear the names of their steps
 * @returns `faults` in words, messages before runs; `unknown`, the deliveries of which nobody can know, with how many mails
 *   of each were taken; `unended`, the users whose runs go on: of these only what came twice is a fault
 */
export function difference(calm, storm) {
  const faults = [];
  const unknown = [];
  const unended = new Set(storm.runs.filter(({ state }) => !ENDS.includes(state)).map(({ user }) => user));
  const place = ({ user, step, template }) => `${user}/${step ?? template}`;
  const [calmDeliveries, deliveries] = [by(calm.deliveries, place), by(storm.deliveries, place)];
  const [calmMails, mails] = [by(calm.mails, place), by(storm.mails, place)];
  for (const where of new Set([...calmDeliveries.keys(), ...deliveries.keys(), ...calmMails.keys(), ...mails.keys()])) {
    const was = statesOf(calmDeliveries.get(where));
    const is = statesOf(deliveries.get(where));
    const [mailsBefore, mailsNow] = [calmMails.get(where)?.length ?? 0, mails.get(where)?.length ?? 0];
    if (mailsNow > 1) faults.push(`${where}: ${mailsNow} mails`);
    else if (unended.has(where.split('/')[0])) continue;
    else if (was === 'sent' && is === 'unknown' && mailsBefore === 1 && mailsNow <= 1) {
      unknown.push({ where, mails: mailsNow });
    } else if (was !== is || mailsBefore !== mailsNow) {
      faults.push(`${where}: ${is} with ${mailsNow} mails, undisturbed ${was} with ${mailsBefore}`);
    }
  }
  const runs = by(storm.runs, ({ user }) => user);
  for (const before of calm.runs) {
    const after = runs.get(before.user) ?? [];
    const [was, is] = [wordsOf([before]), wordsOf(after)];
    if (was !== is && !unended.has(before.user))
      faults.push(`${before.user}: the run ended as ${is}, undisturbed ${was}`);
  }
  const compared = { runs: calm.runs.length, deliveries: calm.deliveries.length, mails: calm.mails.length };
  return { faults, unknown, unended, compared };
}

const ENDS = ['completed', 'exited'];

const wordsOf = (runs) =>
  runs.map(({ state, reason, path }) => `${state} (${reason})${pathOf(state, path)}`).join(', ') || 'nothing';

/** Where an exit finds a run is a matter of moments; a run that lives to its end goes the same way. */
const pathOf = (state, path) => (state === 'completed' ? ` by ${(path ?? []).join(' ')}` : '');

const statesOf = (deliveries = []) => deliveries.map(({ state }) => state).join(',') || 'none';

function by(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}
