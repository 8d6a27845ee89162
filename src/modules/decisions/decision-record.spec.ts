import fc from 'fast-check';
import { decide } from '../../core/decisions/decide.js';
import { canonicalJson } from '../../core/kernel/canonical-json.js';
import { HOUR_MS } from '../../core/kernel/instant.js';
import { candidate, contact, DECIDED_AT, grant, quietRule, suppression } from '../../../test/support/decision-input.js';
import {
  actionFacts,
  definitionsOf,
  factsOf,
  question,
  runFacts,
  userFacts,
} from '../../../test/support/decision-facts.js';
import { toDecisionInput } from './decision-input.js';
import { readRecord, writeRecord, type DecisionMade } from './decision-record.js';

const IDENTITY = { id: 'decision-1', source: 'api', step: null, clockDomain: 'real' } as const;

const POLICIES = {
  daily: { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'day' } },
  gap: { kind: 'cap', limit: 2, window: { kind: 'rolling', duration: 'PT6H' }, on_hit: 'defer' },
  night: { kind: 'quiet_hours', start: '13:00', end: '08:00' },
  pause: { kind: 'pause', outcomes: ['sent'], count: 2, within: 'P1D', scope: 'group', pause_for: 'P2D' },
};

const keys = ['a', 'b', 'c', 'd'] as const;
const number = fc.oneof(fc.constantFrom(0, 0.1, 1 / 3, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const action = (key: string) =>
  fc
    .record({
      isActive: fc.boolean(),
      propensity: number,
      value: fc.double({ min: 0, max: 1e9, noNaN: true }),
      group: fc.constantFrom(null, 'g'),
      tags: fc.subarray(['news', 'offer']),
      eligibility: fc.constantFrom(null, { kind: 'equals' as const, attribute: 'attributes.plan', value: 'pro' }),
    })
    .map((more) => actionFacts(key, more));

/** Decisions as they really come about: definitions, facts, input, answer. */
const made: fc.Arbitrary<DecisionMade> = fc
  .record({
    actions: fc.tuple(...keys.map(action)),
    policies: fc.subarray(Object.keys(POLICIES) as (keyof typeof POLICIES)[]),
    named: fc.option(fc.subarray([...keys, 'unknown'], { minLength: 1 })),
    hoursAgo: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 4 }),
    plan: fc.constantFrom('pro', 'free', 'ünïcødé "quoted" \u2028'),
    status: fc.constantFrom('granted' as const, 'withdrawn' as const),
    isSuppressed: fc.boolean(),
    fault: fc.option(fc.string()),
    page: fc.constantFrom('home', 'pricing'),
    hasRun: fc.boolean(),
    sendingPause: fc.constantFrom(null, { domain: 'example.com', cause: 'bounces' as const, since: DECIDED_AT - 1 }),
  })
  .map(({ actions, policies, named, hoursAgo, plan, status, isSuppressed, fault, page, hasRun, sendingPause }) => {
    const weighted = actions.map((each) => ({
      ...each,
      contextWeights: [{ key: 'page', value: 'pricing', weight: 35 }],
    }));
    const definitions = definitionsOf(weighted, Object.fromEntries(policies.map((key) => [key, POLICIES[key]])));
    const facts = factsOf({
      sendingPause,
      user: userFacts({ attributes: { plan } }),
      consents: [grant({ status })],
      suppressions: isSuppressed ? [suppression({ addressHash: 'hash-of-email' })] : [],
      contacts: hoursAgo
        .sort((left, right) => left - right)
        .map((hours, index) => contact({ decisionId: `d${index}`, at: DECIDED_AT - hours * HOUR_MS, group: 'g' })),
      run: hasRun ? runFacts({ rivals: [rival], otherRuns: [otherRun] }) : null,
    });
    const journey = { runKey: 'r', journeyKey: 'welcome', quietRules: [quietRule({ origin: 'journey' })] };
    const asked = question({
      weighs: { kind: 'actions', keys: named },
      context: { page },
      journey: hasRun ? journey : null,
    });
    const input = toDecisionInput({ facts, definitions, question: asked, workspaceZone: 'UTC' });
    const [first, ...rest] = input.candidates;
    const candidates = first === undefined ? [] : [{ ...first, renderFault: fault }, ...rest];
    return { input: { ...input, candidates }, decision: decide({ ...input, candidates }), definitions };
  });

const rival = {
  runKey: 'other',
  journeyKey: 'other',
  stepId: 'hello',
  runState: 'active',
  candidate: candidate('hello'),
  opening: DECIDED_AT,
  passesOnAt: DECIDED_AT + 1,
} as const;
const otherRun = { runKey: 'other', journeyKey: 'other', group: 'g', priority: 1, enteredAt: DECIDED_AT };

const bodyOf = ({ definitions }: DecisionMade): string => canonicalJson(definitions.shared);

describe('the record of a decision', () => {
  it('gives back input and decision bit for bit, and the decision can be made again from it', () => {
    fc.assert(
      fc.property(made, (decided) => {
        const text = writeRecord(decided, IDENTITY);
        const read = readRecord(text, bodyOf(decided));
        expect(canonicalJson(read.input)).toBe(canonicalJson(decided.input));
        expect(canonicalJson(read.decision)).toBe(canonicalJson(decided.decision));
        expect(canonicalJson(decide(read.input))).toBe(canonicalJson(decided.decision));
      }),
      { numRuns: 300 },
    );
  });

  it('is the same text for the same decision, and a small one', () => {
    const decided = fc.sample(made, 20);
    for (const each of decided) {
      expect(writeRecord(each, IDENTITY)).toBe(writeRecord(structuredCloneOf(each), IDENTITY));
      const { input, decision } = each;
      expect(writeRecord(each, IDENTITY).length).toBeLessThan(canonicalJson({ input, decision }).length);
    }
  });

  it('names its definitions inside, so that the chain of hashes covers them', () => {
    const [decided] = fc.sample(made, 1);
    if (decided === undefined) throw new Error('no sample');
    expect(writeRecord(decided, IDENTITY)).toContain(decided.definitions.hash.toString('hex'));
  });

  it('is not written on definitions other than those that were decided on', () => {
    const one = { definitions: definitionsOf([actionFacts('a')], { daily: POLICIES.daily }) };
    const input = toDecisionInput({ facts: factsOf(), ...one, question: question(), workspaceZone: 'UTC' });
    const other = definitionsOf([actionFacts('a')]);
    expect(() => writeRecord({ input, decision: decide(input), definitions: other }, IDENTITY)).toThrow(
      /other definitions/,
    );
  });
});

/** Other objects with the same values, but the definitions, which are told by identity. */
function structuredCloneOf({ input, decision, definitions }: DecisionMade): DecisionMade {
  const { candidates, contacts, outcomes, consents } = input;
  return {
    definitions,
    decision: structuredClone(decision),
    input: {
      ...input,
      ...structuredClone({ contacts, outcomes, consents }),
      candidates: candidates.map((one) => ({ ...one })),
    },
  };
}
