/** What is left in the product, and what the sandbox has taken. */
export async function readOutcome(product, sandbox) {
  const accepted = await sandbox.accepted();
  const deliveries = await product.query(
    `select delivery.id, delivery.step_id as step, delivery.state, delivery.provider, delivery.attempt,
        delivery.asks, delivery.misses, delivery.failure, users.external_id as user
      from deliveries delivery join users on users.id = delivery.user_id`,
  );
  const refusals = await product.query(
    `select users.external_id as user, decisions.step_id as step, decisions.reason from decisions
      join users on users.id = decisions.user_id where outcome <> 'act' and step_id is not null`,
  );
  const withdrawals = await product.query(
    `select users.external_id as user, channel, received_at as at from consent_records record
      join users on users.id = record.user_id where status = 'withdrawn'`,
  );
  const places = await product.query(
    `select users.external_id as user, count(*)::int as count from contact_ledger ledger
      join users on users.id = ledger.user_id where 'promo' = any (tags) and state not in ('released', 'failed') group by 1`,
  );
  const byKey = Map.groupBy(
    accepted.filter(({ provider }) => provider !== 'webhooks'),
    ({ key }) => key,
  );
  const unknown = deliveries.filter(({ state }) => state === 'unknown');
  const lost = unknown.filter(({ id, provider }) => provider === 'smtp' && !byKey.has(id));
  const states = Object.entries(Object.groupBy(deliveries, ({ state }) => state)).map(([name, { length }]) => [
    name,
    length,
  ]);
  const providers = Object.entries(Object.groupBy(accepted, ({ provider }) => provider)).map(([name, { length }]) => [
    `taken by ${name}`,
    length,
  ]);
  const again = deliveries.filter(({ attempt }) => attempt > 1).length;
  const counts = Object.fromEntries([...providers, ...states, ['claimed again', again], ['silences', refusals.length]]);
  return { accepted, deliveries, refusals, withdrawals, places, byKey, lost, counts };
}

const STEPS = ['mail', 'text', 'more'];
const GONE_OUT = ['sent', 'delivered', 'bounced', 'complained'];
/** From the claim to the first byte, and what the way takes. */
const LATE_MS_MAX = 1_000;

/** In words, everything that must not be. */
export function faultsOf(outcome) {
  return [
    ...(outcome.open === 0 ? [] : [`${outcome.open} runs have not ended`]),
    ...duplicates(outcome),
    ...losses(outcome),
    ...doubts(outcome),
    ...brokenCaps(outcome),
    ...withoutConsent(outcome),
  ];
}

function duplicates({ accepted, byKey }) {
  const keys = [...byKey].filter(([, { length }]) => length > 1).map(([key]) => `${key} was taken more than once`);
  const contents = Map.groupBy(
    accepted.filter(({ provider }) => provider !== 'webhooks'),
    (message) => `${message.recipient} ${templateOf(message)}`,
  );
  const twice = [...contents].filter(([, { length }]) => length > 1).map(([what]) => `${what} came more than once`);
  return [...keys, ...twice];
}

/** Every step of every user: taken, or in the records why not. */
function losses({ plan, accepted, byKey, deliveries, refusals }) {
  const faults = [];
  const deliveryOf = new Map(deliveries.map((delivery) => [`${delivery.user} ${delivery.step}`, delivery]));
  const refused = new Set(refusals.map(({ user, step }) => `${user} ${step}`));
  const hooks = Map.groupBy(
    accepted.filter(({ provider }) => provider === 'webhooks'),
    ({ body }) => JSON.parse(body).data.external_id,
  );
  for (let n = 0; n < plan.journeys; n += 1) {
    const user = `u${n}`;
    for (const step of STEPS) {
      const place = `${user} ${step}`;
      const delivery = deliveryOf.get(place);
      const taken = delivery === undefined ? 0 : (byKey.get(delivery.id)?.length ?? 0);
      if (delivery === undefined || delivery.state === 'released') {
        if (taken > 0) faults.push(`${place} was taken and is ${delivery.state}`);
        if (!refused.has(place)) faults.push(`${place} has neither a message nor a reason`);
      } else if (GONE_OUT.includes(delivery.state)) {
        if (taken === 0) faults.push(`${place} is ${delivery.state} and was not taken`);
      } else if (delivery.state !== 'unknown') {
        faults.push(`${place} is ${delivery.state}: ${traceOf(delivery)}`);
      }
    }
    // The same webhook may come again under the same id, which its receiver knows.
    const ids = new Set((hooks.get(user) ?? []).map(({ id }) => id)).size;
    if (ids !== 1) faults.push(`${user} caused ${ids} webhooks`);
  }
  return faults;
}

/** How far the questions about an attempt have come. */
const traceOf = ({ attempt, asks, misses, failure }) =>
  `attempt ${attempt}, asked ${asks} times, ${misses} times not found, ${failure ?? 'no failure noted'}`;

/** Only where nobody could be asked may a doubt be left. */
const doubts = ({ deliveries }) =>
  deliveries
    .filter(({ state, provider }) => state === 'unknown' && provider !== 'smtp')
    .map(
      (delivery) =>
        `${delivery.user} ${delivery.step} is unknown although ${delivery.provider} can be asked: ${traceOf(delivery)}`,
    );

function brokenCaps({ accepted, places }) {
  const mails = Map.groupBy(
    accepted.filter(({ recipient }) => recipient.includes('@')),
    ({ recipient }) => recipient,
  );
  return [
    ...[...mails]
      .filter(([, { length }]) => length > 1)
      .map(([who, { length }]) => `${who} got ${length} of one a day`),
    ...places.filter(({ count }) => count > 1).map(({ user, count }) => `${user} has ${count} places under one a day`),
  ];
}

function withoutConsent({ accepted, withdrawals }) {
  const withdrawnAt = new Map(withdrawals.map(({ user, channel, at }) => [`${user} ${channel}`, at.getTime()]));
  return accepted.flatMap(({ recipient, provider, started_at: startedAt }) => {
    if (provider === 'webhooks') return [];
    const isMail = recipient.includes('@');
    const user = isMail ? recipient.split('@')[0] : `u${Number(recipient.slice('+44740'.length)) - 1_000_000}`;
    const at = withdrawnAt.get(`${user} ${isMail ? 'email' : 'sms'}`) ?? Infinity;
    const lateMs = Date.parse(startedAt) - at;
    return lateMs > LATE_MS_MAX ? [`${user} was written to ${lateMs} ms after the withdrawal by ${provider}`] : [];
  });
}

/** The two mails differ by their subject; there is one text. */
function templateOf({ provider, body }) {
  if (provider === 'postmark') return body.Subject;
  if (provider === 'smtp')
    return /^Subject: (\S+)/im.exec(Buffer.from(body.raw_base64, 'base64').toString('utf8'))?.[1];
  return 'text';
}
