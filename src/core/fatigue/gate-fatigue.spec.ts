import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../kernel/instant.js';
import type { Contact } from './cap-rule.js';
import type { FatigueModel } from './fatigue-model.js';
import { fatigueScore, type FatigueFacts } from './fatigue-score.js';
import { gateFatigue } from './gate-fatigue.js';
import type { Outcome, OutcomeKind } from './outcome.js';

interface Row {
  readonly name: string;
  readonly model: {
    readonly half_life: number;
    readonly contact: number;
    readonly outcomes: FatigueModel['outcomeWeights'];
    readonly threshold: number;
  };
  readonly contacts: readonly number[];
  readonly outcomes: readonly (readonly [OutcomeKind, number])[];
  readonly now: number;
  readonly score: number;
  readonly below_from_s: number | null;
}

const rows = JSON.parse(readFileSync('test/cases/fatigue.json', 'utf8')) as readonly Row[];

/** Sums of some twenty terms near 1. */
const SCORE_TOLERANCE = 1e-12;
const NOW = Date.parse('2027-06-15T12:00:00Z');
const model = (more: Partial<FatigueModel> = {}): FatigueModel => ({
  id: 'tired',
  version: 1,
  halfLifeMs: 3 * DAY_MS,
  contactWeight: 0.3,
  outcomeWeights: { complained: 2, clicked: -0.5 },
  costPerScore: 1,
  threshold: 0.5,
  ...more,
});
const contact = (at: number, more: Partial<Contact> = {}): Contact => ({
  decisionId: `d-${at}`,
  at,
  channel: 'email',
  purpose: 'marketing',
  journeyKey: null,
  action: 'hello',
  group: null,
  tags: [],
  state: 'sent',
  ...more,
});
const outcome = (kind: OutcomeKind, at: number, decisionId = `d-${at}`): Outcome => ({
  decisionId,
  kind,
  at,
  channel: 'email',
  purpose: 'marketing',
  action: 'hello',
  group: null,
});
const facts = (more: Partial<FatigueFacts> = {}): FatigueFacts => ({
  model: model(),
  contacts: [],
  outcomes: [],
  now: NOW,
  ...more,
});
const gate = (more: Partial<FatigueFacts> = {}, legalBasis: 'consent' | 'contract' = 'consent') =>
  gateFatigue({ ...facts(more), legalBasis });
const difference = (one: number, other: number): number => Math.abs(one - other);

describe('the fatigue score and its gate', () => {
  it.each(rows)('$name', ({ model: given, contacts, outcomes, now, score, below_from_s }) => {
    const asked = {
      model: model({
        halfLifeMs: given.half_life * MINUTE_MS,
        contactWeight: given.contact,
        outcomeWeights: given.outcomes,
        threshold: given.threshold,
      }),
      contacts: contacts.map((minute, index) => contact(minute * MINUTE_MS, { decisionId: `c-${index}` })),
      outcomes: outcomes.map(([kind, minute], index) => outcome(kind, minute * MINUTE_MS, `o-${index}`)),
      now: now * MINUTE_MS,
    };
    expect(difference(fatigueScore(facts(asked)), score)).toBeLessThan(SCORE_TOLERANCE);
    const answer = gate(asked);
    if (below_from_s === null) {
      expect(answer.kind).toBe('pass');
    } else {
      expect(answer).toMatchObject({ kind: 'refuse', until: asked.now + below_from_s * SECOND_MS });
    }
  });

  it.each<[Contact['state'], boolean]>([
    ['sending', true],
    ['unknown', true],
    ['sent', true],
    ['delivered', true],
    ['complained', true],
    ['failed', false],
    ['bounced', false],
    ['released', false],
  ])('a contact that is %s weighs: %s', (state, weighs) => {
    expect(fatigueScore(facts({ contacts: [contact(NOW, { state })] })) > 0).toBe(weighs);
  });

  it('weighs each kind of outcome of one contact once, from its first instant', () => {
    const once = fatigueScore(facts({ outcomes: [outcome('complained', NOW - HOUR_MS, 'd')] }));
    const told = [outcome('complained', NOW, 'd'), outcome('complained', NOW - HOUR_MS, 'd')];
    expect(fatigueScore(facts({ outcomes: told }))).toBe(once);
    expect(fatigueScore(facts({ outcomes: [...told, outcome('complained', NOW, 'e')] }))).toBeGreaterThan(once);
  });

  it('stays below 1, however much there is', () => {
    const contacts = Array.from({ length: 1_000 }, (_, index) => contact(NOW - index));
    const score = fatigueScore(facts({ contacts, model: model({ contactWeight: 100 }) }));
    expect(score).toBeGreaterThan(0.999);
    expect(score).toBeLessThan(1);
  });

  it('lets pass what rests on a contract, and everything under a model without a threshold, and tells the score', () => {
    const asked = { contacts: Array.from({ length: 9 }, () => contact(NOW)) };
    const score = fatigueScore(facts(asked));
    expect(gate(asked).kind).toBe('refuse');
    expect(gate(asked, 'contract')).toEqual({ kind: 'pass', score });
    expect(gate({ ...asked, model: model({ threshold: null }) })).toEqual({ kind: 'pass', score });
  });

  it('refuses from the threshold on', () => {
    const contacts = [contact(NOW)];
    const threshold = fatigueScore(facts({ contacts }));
    expect(gate({ contacts, model: model({ threshold }) }).kind).toBe('refuse');
    expect(gate({ contacts, model: model({ threshold: threshold + 1e-9 }) }).kind).toBe('pass');
  });

  it('takes a broken model for a mistake', () => {
    for (const halfLifeMs of [0, -1, Number.NaN]) expect(() => gate({ model: model({ halfLifeMs }) })).toThrow();
    for (const threshold of [0, 1, Number.NaN]) expect(() => gate({ model: model({ threshold }) })).toThrow();
    expect(() => gate({ model: model({ contactWeight: -1 }) })).toThrow();
  });

  const ages = fc.array(fc.integer({ min: 0, max: 20 * DAY_MS }), { maxLength: 12 });
  const contactsOf = (made: readonly number[]) => made.map((age) => contact(NOW - age));
  const complaints = fc
    .array(fc.integer({ min: 0, max: 20 * DAY_MS }), { maxLength: 4 })
    .map((made) => made.map((age) => outcome('complained', NOW - age)));

  it('one more contact never lowers it', () => {
    fc.assert(
      fc.property(ages, complaints, fc.nat({ max: 20 * DAY_MS }), fc.nat({ max: 12 }), (made, outcomes, age, where) => {
        const more = [...made.slice(0, where), age, ...made.slice(where)];
        const before = fatigueScore(facts({ contacts: contactsOf(made), outcomes }));
        expect(fatigueScore(facts({ contacts: contactsOf(more), outcomes }))).toBeGreaterThanOrEqual(before);
      }),
    );
  });

  it('time alone only lowers it, as long as nothing weighs below 0', () => {
    fc.assert(
      fc.property(ages, complaints, fc.nat({ max: 40 * DAY_MS }), (made, outcomes, laterMs) => {
        const asked = facts({ contacts: contactsOf(made), outcomes });
        const later = fatigueScore({ ...asked, now: NOW + laterMs });
        expect(later).toBeLessThanOrEqual(fatigueScore(asked) + SCORE_TOLERANCE);
      }),
    );
  });

  it('is below the threshold at `until`, and not a second before', () => {
    const clicks = fc
      .array(fc.integer({ min: 0, max: 20 * DAY_MS }), { maxLength: 3 })
      .map((made) => made.map((age) => outcome('clicked', NOW - age)));
    const models = fc
      .record({
        halfLifeMs: fc.integer({ min: SECOND_MS, max: 30 * DAY_MS }),
        threshold: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      })
      .map(model);
    fc.assert(
      fc.property(ages, complaints, clicks, models, (made, angry, pleased, one) => {
        const asked = { model: one, contacts: contactsOf(made), outcomes: [...angry, ...pleased] };
        const answer = gate(asked);
        if (answer.kind === 'pass') return;
        expect(gate({ ...asked, now: answer.until }).kind).toBe('pass');
        const before = answer.until - SECOND_MS - 1;
        if (before >= NOW) expect(gate({ ...asked, now: before }).kind).toBe('refuse');
      }),
    );
  });
});
