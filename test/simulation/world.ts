import type { Candidate } from '../../src/core/decisions/types.js';
import { compile } from '../../src/core/journeys/compile.js';
import type { StepDefinition } from '../../src/core/journeys/definition.js';
import { DAY_MS, HOUR_MS } from '../../src/core/kernel/instant.js';
import { everydayRule } from '../../src/core/quiet-hours/quiet-rule.js';
import type { Definitions, Journey, UserRow } from './model.js';
import { somewhere, STARTS } from './places.js';
import { BRANDS, CHANNELS, firstPolicies, GROUPS, JOURNEYS, PURPOSES, TAGS } from './policies.js';
import type { Random } from './random.js';

/** How large a world is. */
export interface Size {
  readonly users: number;
  readonly weeks: number;
}

/** Everything that is there before the first tick. */
export interface World {
  readonly startDate: string;
  readonly startAt: number;
  readonly definitions: Definitions;
  readonly journeys: readonly Journey[];
  readonly users: readonly UserRow[];
  /** Who enters which journey when. */
  readonly entries: readonly { readonly at: number; readonly userId: string; readonly journeyKey: string }[];
}

/** The event that ends runs, and the one that some of them wait for. */
export const EXIT_EVENT = 'purchase';
export const AWAITED_EVENT = 'visit';

const ACTIONS = 8;
const TEMPLATES = 5;
const PLANS = ['free', 'pro'] as const;

/** A world that a seed decides: people all over the earth, rules, content, journeys and entries. */
export function createWorld(random: Random, { users, weeks }: Size): World {
  const startDate = random.pick(STARTS);
  const startAt = Date.parse(startDate) + random.int(0, DAY_MS - 1);
  const actions = Array.from({ length: ACTIONS }, (_, index) => content(random, `action-${index}`));
  const templates = Array.from({ length: TEMPLATES }, (_, index) => ({
    ...content(random, `template-${index}`),
    // A message step weighs itself with every factor at 1.
    ...{ propensity: 1, contextFactor: 1, value: 1, leverFactor: 1, channelCost: 0, group: null, isActive: true },
    ...{ eligibility: null, applicability: null, suitability: null },
  }));
  const definitions: Definitions = {
    ...firstPolicies(random, startDate),
    actions: new Map(actions.map((action) => [action.key, action])),
    templates: new Map(templates.map((template) => [template.key, template])),
  };
  const journeys = JOURNEYS.map((key) => journey(random, key, definitions));
  const people = Array.from({ length: users }, (_, index) => person(random, `user-${index}`));
  return {
    startDate,
    startAt,
    definitions,
    journeys,
    users: people,
    entries: entries(random, { startAt, weeks }, people),
  };
}

function content(random: Random, key: string): Candidate {
  const isTransactional = random.chance(0.12);
  const condition = (probability: number): Candidate['eligibility'] =>
    random.chance(probability) ? { kind: 'equals', attribute: 'plan', value: random.pick(PLANS) } : null;
  return {
    key,
    version: 1,
    channel: random.weighted([
      [CHANNELS[0], 3],
      [CHANNELS[1], 2],
      [CHANNELS[2], 1],
    ]),
    template: key,
    templateVersion: random.chance(0.02) ? null : 1,
    renderFault: null,
    purpose: isTransactional ? 'transactional' : random.pick(PURPOSES),
    legalBasis: isTransactional ? 'contract' : 'consent',
    brand: random.weighted([
      [BRANDS[0], 4],
      [BRANDS[1], 1],
    ]),
    tags: random.some(TAGS, 0.4),
    isActive: random.chance(0.95),
    issue: null,
    group: random.pick([null, ...GROUPS]),
    eligibility: condition(0.1),
    applicability: condition(0.05),
    suitability: condition(0.05),
    ttlMs: random.chance(0.15) ? random.pick([1, 5, 24, 72]) * HOUR_MS : null,
    propensity: random.int(2, 20) / 20,
    contextFactor: 1 + random.int(-50, 100) / 100,
    value: random.int(1, 20) / 10,
    leverFactor: 1 + random.int(-50, 100) / 100,
    channelCost: random.pick([0, 0, 0.05, 0.1]),
    addressHash: null,
  };
}

function journey(random: Random, key: string, definitions: Definitions): Journey {
  const conflict = random.chance(0.3) ? { group: 'one-voice', priority: random.int(1, 3) } : null;
  const definition = {
    key,
    name: key,
    exit: { events: random.chance(0.5) ? [EXIT_EVENT] : [] },
    steps: steps(random, definitions),
  };
  const compiled = compile(definition, { version: 1, contentHash: '' });
  if (compiled.kind === 'faults') throw new Error(JSON.stringify(compiled.faults));
  const window = {
    id: `${key}-night`,
    version: 1,
    origin: 'journey' as const,
    startMinute: 22 * 60,
    endMinute: 7 * 60,
  };
  const quietRules = random.chance(0.2) ? [everydayRule({ ...window, channels: [random.pick(CHANNELS)] })] : [];
  return { key, plan: compiled.plan, quietRules, conflict };
}

const DURATIONS = ['PT5M', 'PT1H', 'PT5H', 'P1D', 'P2D'] as const;

function steps(random: Random, { actions, templates }: Definitions): readonly StepDefinition[] {
  const parts = Array.from({ length: random.int(2, 4) }, (_, index): StepDefinition[] => {
    const onRefusal = random.chance(0.1) ? ('exit' as const) : undefined;
    const keys = random.some([...actions.keys()], 0.4);
    const ask: StepDefinition =
      random.chance(0.6) && keys.length > 0
        ? { kind: 'decide', id: `decide_${index}`, actions: keys, on_refusal: onRefusal }
        : {
            kind: 'message',
            id: `message_${index}`,
            channel: 'email',
            template: random.pick([...templates.keys()]),
            on_refusal: onRefusal,
          };
    const pause: StepDefinition = random.chance(0.2)
      ? { kind: 'wait_for', id: `visit_${index}`, event: AWAITED_EVENT, timeout: random.pick(DURATIONS) }
      : { kind: 'wait', id: `wait_${index}`, duration: random.pick(DURATIONS) };
    return random.chance(0.8) ? [ask, pause] : [ask];
  });
  return [...parts.flat(), { kind: 'end', id: 'done', reason: 'done' }];
}

function person(random: Random, id: string): UserRow {
  const addresses = CHANNELS.filter(() => random.chance(0.9)).map((channel): [string, string] => [
    channel,
    // Some people share an address with their household.
    random.chance(0.1) ? `${channel}:household-${random.int(0, 2)}` : `${channel}:${id}`,
  ]);
  return {
    id,
    ...somewhere(random),
    attributes: { plan: random.pick(PLANS) },
    addresses: Object.fromEntries(addresses),
    isErased: false,
  };
}

/** Some enter by themselves, some all in the same millisecond, as a campaign makes them. */
function entries(
  random: Random,
  { startAt, weeks }: { readonly startAt: number; readonly weeks: number },
  people: readonly UserRow[],
): World['entries'] {
  const last = Math.max(weeks - 1, 0.5) * 7 * DAY_MS;
  const somewhen = (): number => startAt + Math.floor(random.fraction() * last);
  const campaigns = Array.from({ length: 2 }, () => ({ at: somewhen(), journeyKey: random.pick(JOURNEYS) }));
  const alone = people.flatMap(({ id: userId }) =>
    Array.from({ length: random.int(0, 2) }, () => ({ at: somewhen(), userId, journeyKey: random.pick(JOURNEYS) })),
  );
  const together = campaigns.flatMap(({ at, journeyKey }) =>
    people.filter(() => random.chance(0.6)).map(({ id: userId }) => ({ at, userId, journeyKey })),
  );
  // Two journeys at one instant: their messages meet before the same limits.
  const twice = together
    .filter(() => random.chance(0.4))
    .map((entry) => ({ ...entry, journeyKey: random.pick(JOURNEYS) }));
  return [...alone, ...together, ...twice];
}
