import fc from 'fast-check';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { hasRoom, localHour, type CapDefinition, type SeenContact } from '../support/cap-checker.js';
import { ContactStage, decideRequest, type Contactee } from '../support/contact-stage.js';

const MIXTURES = Number(process.env['CLAIMS_REPEATS'] ?? 50);
const MIXTURE_MS_MAX = 10_000;
const START_MS_MAX = 120_000;
const CLOSE_MS_MAX = 120_000;
const PROCESSES = 2;
const CONNECTIONS_EACH = 4;
const HOUR_MS = 3_600_000;

interface Kind {
  readonly action: string;
  readonly tags: readonly string[];
  readonly group: string | null;
}
const KINDS: readonly Kind[] = [
  { action: 'plain', tags: [], group: null },
  { action: 'red', tags: ['red'], group: 'offers' },
  { action: 'blue', tags: ['blue'], group: 'offers' },
  { action: 'both', tags: ['red', 'blue'], group: 'news' },
];
const JOURNEYS = ['one', 'two'];
const ZONES = ['Asia/Kathmandu', 'America/New_York', 'Australia/Lord_Howe', 'Europe/Paris', 'Pacific/Apia', 'UTC'];

const kind = fc.constantFrom(...KINDS);
const journey = fc.constantFrom(...JOURNEYS);
const duration = fc.constantFrom('PT1H', 'PT6H', 'PT24H', 'P3D', 'P7D', 'P30D');
const scope: fc.Arbitrary<CapDefinition['scope']> = fc.oneof(
  fc.constant({ kind: 'global' as const }),
  fc.constantFrom('email', 'sms').map((channel) => ({ kind: 'channel' as const, channel })),
  journey.map((name) => ({ kind: 'journey' as const, journey: name })),
  fc.constantFrom('red', 'blue').map((tag) => ({ kind: 'tag' as const, tag })),
  fc.constantFrom('offers', 'news').map((group) => ({ kind: 'group' as const, group })),
);
const calendar = fc
  .constantFrom('day' as const, 'week' as const, 'month' as const)
  .map((unit) => ({ kind: 'calendar' as const, unit }));
const rolling = duration.map((text) => ({ kind: 'rolling' as const, duration: text }));
const onHit = fc.constantFrom('drop', 'defer', 'degrade_channel', 'skip');
const limited = fc.tuple(scope, fc.integer({ min: 0, max: 4 }), fc.oneof(calendar, rolling), onHit);
const spaced = fc.tuple(scope, fc.constant(1), fc.constantFrom('PT1H', 'PT6H').map(asGap), onHit);
const rule = fc
  .oneof({ weight: 4, arbitrary: limited }, { weight: 1, arbitrary: spaced })
  .map(([about, limit, window, on_hit]): CapDefinition => ({ scope: about, limit, window, on_hit }));

function asGap(text: string): CapDefinition['window'] {
  return { kind: 'min_gap', duration: text };
}

const plain = { noNullPrototype: true };
const past = fc.record(
  {
    hoursAgo: fc.integer({ min: 0, max: 800 }),
    kind,
    journey,
    state: fc.constantFrom('sent', 'sent', 'unknown', 'failed', 'released'),
  },
  plain,
);
const mixture = fc.record(
  {
    rules: fc.array(rule, { minLength: 1, maxLength: 4 }),
    history: fc.array(past, { maxLength: 6 }),
    runs: fc.array(fc.record({ kind, journey }, plain), { minLength: 1, maxLength: 16 }),
    zone: fc.constantFrom(...ZONES),
  },
  plain,
);
type Mixture = typeof mixture extends fc.Arbitrary<infer T> ? T : never;
type Wish = Omit<SeenContact, 'at'> & { readonly action: string };

interface DecisionRow {
  readonly id: string;
  readonly runKey: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly decidedAt: number;
}

/** A local day that ended while the claims are made would give room that nobody could have used. */
function farFromMidnight(wanted: string): string {
  const isFar = (zone: string): boolean => localHour(Date.now(), zone) >= 1 && localHour(Date.now(), zone) < 22;
  const zone = [wanted, ...ZONES].find(isFar);
  if (zone === undefined) throw new Error('it is midnight everywhere');
  return zone;
}

describe('any mixture of caps, journeys, tags and groups, asked for by many runs at once', () => {
  let stage: ContactStage;
  let mixtures = 0;

  beforeAll(async () => {
    stage = await ContactStage.open(PROCESSES, CONNECTIONS_EACH);
    await stage.template('hello');
    for (const key of JOURNEYS) await stage.journey(key, 'hello');
    for (const { action, tags, group } of KINDS) await stage.action(action, 'hello', tags, group);
  }, START_MS_MAX);
  afterAll(() => stage.close(), CLOSE_MS_MAX);

  /** Half hours: no contact leaves a window of whole hours while the claims are made. */
  async function remember(user: Contactee, history: Mixture['history']): Promise<SeenContact[]> {
    const now = Date.now();
    const held: SeenContact[] = [];
    for (const {
      hoursAgo,
      kind: { action, tags, group },
      journey: name,
      state,
    } of history) {
      const at = now - (hoursAgo + 0.5) * HOUR_MS;
      await stage.query(
        `insert into contact_ledger (delivery_id, user_id, decision_id, at, channel, purpose, journey_key, tags, action,
          action_group, state)
        values (gen_random_uuid(), $1, gen_random_uuid(), to_timestamp($2::float8 / 1000), 'email', 'marketing', $3, $4,
          $5, $6, $7)`,
        ...[user.id, at, name, tags, action, group, state],
      );
      if (state !== 'failed' && state !== 'released') held.push({ at, journey: name, tags, group });
    }
    return held;
  }

  async function enterAll(user: Contactee, runs: Mixture['runs']): Promise<ReadonlyMap<string, Wish>> {
    const wishes = new Map<string, Wish>();
    for (const { kind: what, journey: name } of runs) {
      const [runKey = ''] = await stage.enter(user.id, name);
      wishes.set(runKey, { journey: name, ...what });
    }
    return wishes;
  }

  function askAll(user: Contactee, wishes: ReadonlyMap<string, Wish>): Promise<readonly StepAnswer[]> {
    const ask = ([runKey, wish]: [string, Wish], index: number): Promise<StepAnswer> =>
      stage.ask(decideRequest({ runKey, userId: user.id, journeyKey: wish.journey }, [wish.action]), index);
    return Promise.all([...wishes].map(ask));
  }

  /** The chain is written under the user's lock: its order is the order in which the claims were decided. */
  const decisionsOf = (user: Contactee): Promise<readonly DecisionRow[]> =>
    stage.query<DecisionRow>(
      `select id, run_key as "runKey", outcome, reason, decided_at as "decidedAt" from decisions
        where user_id = $1 order by chain_seq`,
      user.id,
    );

  async function check({ rules, history, runs, zone: wanted }: Mixture): Promise<void> {
    mixtures += 1;
    const zone = farFromMidnight(wanted);
    const lifts: (() => Promise<void>)[] = [];
    for (const [index, definition] of rules.entries()) {
      lifts.push(await stage.policy(`mixture_${mixtures}_${index}`, definition));
    }
    const user = await stage.person({ timezone: zone });
    const made = await remember(user, history);
    const wishes = await enterAll(user, runs);
    const answers = await askAll(user, wishes);
    const decisions = await decisionsOf(user);
    expect(new Set(decisions.map(({ runKey }) => runKey))).toEqual(new Set(wishes.keys()));
    expect(decisions).toHaveLength(runs.length);

    const fits = (one: SeenContact): boolean => rules.every((definition) => hasRoom(definition, made, one, zone));
    const refused: SeenContact[] = [];
    for (const { runKey, outcome, reason, decidedAt } of decisions) {
      const one = { journey: '', tags: [], group: null, ...wishes.get(runKey), at: decidedAt };
      const expected = fits(one) ? 'act' : 'CAP_REACHED';
      expect({ runKey, decided: outcome === 'act' ? 'act' : reason }).toEqual({ runKey, decided: expected });
      (outcome === 'act' ? made : refused).push(one);
    }
    const end = Math.max(...decisions.map(({ decidedAt }) => decidedAt));
    expect(refused.filter((one) => fits({ ...one, at: end }))).toEqual([]);
    await expectSent(user, answers, decisions);
    for (const lift of lifts) await lift();
  }

  async function expectSent(
    user: Contactee,
    answers: readonly StepAnswer[],
    decisions: readonly DecisionRow[],
  ): Promise<void> {
    const acts = new Map(
      decisions.flatMap(({ id, outcome, decidedAt }) => (outcome === 'act' ? [[id, decidedAt]] : [])),
    );
    const sent = answers.flatMap(({ kind: became, decisionId }) => (became === 'sent' ? [decisionId] : []));
    expect(new Set(sent)).toEqual(new Set(acts.keys()));
    expect(stage.smtp.taken.filter(({ to }) => to === user.email)).toHaveLength(acts.size);
    const ledger = await stage.query<{ id: string; at: number }>(
      `select ledger.decision_id as id, at from contact_ledger ledger join deliveries on id = delivery_id
        where ledger.user_id = $1 and ledger.state = 'sent'`,
      user.id,
    );
    expect(new Map(ledger.map(({ id, at }) => [id, at]))).toEqual(acts);
  }

  it(
    'breaks no rule, and refuses nobody for whom there was room',
    () => fc.assert(fc.asyncProperty(mixture, check), { numRuns: MIXTURES, endOnFailure: true }),
    MIXTURES * MIXTURE_MS_MAX,
  );
});
