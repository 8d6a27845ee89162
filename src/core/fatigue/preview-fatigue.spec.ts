import fc from 'fast-check';
import { DAY_MS, HOUR_MS } from '../kernel/instant.js';
import type { FatigueModel } from './fatigue-model.js';
import { gateFatigue } from './gate-fatigue.js';
import type { Outcome, OutcomeKind } from './outcome.js';
import { previewFatigue } from './preview-fatigue.js';
import type { ReplayedContact } from './replay-contacts.js';

const START = Date.parse('2027-11-05T00:00:00Z');
/** A load of ln 2 is a score of 0.5. */
const model = (more: Partial<FatigueModel> = {}): FatigueModel => ({
  id: 'tired',
  version: 1,
  halfLifeMs: DAY_MS,
  contactWeight: 0.4,
  outcomeWeights: {},
  costPerScore: 0,
  threshold: 0.5,
  ...more,
});
const contact = (day: number, more: Partial<ReplayedContact> = {}): ReplayedContact => ({
  decisionId: `d-${day}`,
  at: START + day * DAY_MS,
  channel: 'email',
  purpose: 'marketing',
  action: 'offer',
  group: null,
  state: 'delivered',
  ...more,
});
const outcome = (of: ReplayedContact, kind: OutcomeKind, hoursLater: number): Outcome => {
  const { decisionId, at, channel, purpose, action, group } = of;
  return { decisionId, kind, at: at + hoursLater * HOUR_MS, channel, purpose, action, group };
};
const stopped = (asked: FatigueModel, contacts: readonly ReplayedContact[], outcomes: readonly Outcome[] = []) =>
  previewFatigue({ model: asked, contacts, outcomes }).map(({ decisionId }) => decisionId);

describe('previewFatigue', () => {
  it('stops who is tired, and is not tired by what was stopped', () => {
    // Loads before each, a day apart and halved: 0; 0.2; 0.3; 0.35. Twice a day instead (0.5 a half day is 0.7071):
    // 0; 0.283; 0.483; 0.624; 0.724 > ln 2, stopped; 0.512; 0.645; 0.739, stopped again.
    expect(
      stopped(
        model(),
        [0, 1, 2, 3].map((day) => contact(day)),
      ),
    ).toEqual([]);
    const half = Array.from({ length: 8 }, (_, index) => contact(index / 2));
    expect(stopped(model(), half)).toEqual(['d-2', 'd-3.5']);
  });

  it('is tired by what became of a contact, unless that was stopped', () => {
    const [first, second, third] = [contact(0), contact(0.1), contact(1)];
    const tires = model({ outcomeWeights: { complained: 1.2 } });
    // Contact and complaint leave 0.373 + 1.152 at 02:24, so the second is stopped, as is the third with 0.2 + 0.618
    // left, more than ln 2. Of them 0.578 are left after a day and a half; the complaint about the second would add 0.468.
    const complaints = [outcome(first, 'complained', 1), outcome(second, 'complained', 1)];
    expect(stopped(tires, [first, second, third, contact(1.5)], complaints)).toEqual(['d-0.1', 'd-1']);
    expect(stopped(tires, [first, contact(1.5)], complaints)).toEqual(['d-1.5']);
  });

  it('is rested by interest, also in what the rule does not stop', () => {
    const likes = model({ contactWeight: 0.7, outcomeWeights: { clicked: -0.6 } });
    const contacts = [contact(0), contact(0.01)];
    expect(stopped(likes, contacts)).toEqual(['d-0.01']);
    expect(stopped(likes, contacts, [outcome(contact(0), 'clicked', 0.1)])).toEqual([]);
    expect(stopped(likes, contacts, [outcome(contact(0, { decisionId: 'receipt' }), 'clicked', 0.1)])).toEqual([]);
  });

  it('is not tired by what did not arrive', () => {
    const lost = (['failed', 'bounced'] as const).map((state, index) => contact(index / 100, { state }));
    expect(stopped(model({ contactWeight: 5 }), [...lost, contact(0.02)])).toEqual([]);
  });

  it('stops nothing without a threshold', () => {
    expect(stopped(model({ contactWeight: 9, threshold: null }), [contact(0), contact(0.1)])).toEqual([]);
  });

  it('takes a broken model for a mistake', () => {
    for (const more of [{ threshold: 1 }, { halfLifeMs: 0 }, { contactWeight: -1 }]) {
      expect(() => stopped(model(more), [])).toThrow('out of range');
    }
  });

  it('agrees with the gate, asked contact by contact', () => {
    const made = fc.array(
      fc.record({
        hours: fc.integer({ min: 0, max: 30 * 24 }),
        state: fc.constantFrom<ReplayedContact['state']>('sent', 'failed', 'unknown', 'bounced'),
        isKept: fc.boolean(),
        told: fc.array(
          fc.record({
            kind: fc.constantFrom<OutcomeKind>('complained', 'clicked', 'sent', 'opened'),
            hours: fc.constantFrom(0, 1, 5, 50),
          }),
          { maxLength: 3 },
        ),
      }),
      { maxLength: 25 },
    );
    const models = fc.record({
      halfLifeMs: fc.integer({ min: 1, max: 14 }).map((days) => days * DAY_MS),
      contactWeight: fc.double({ min: 0, max: 1, noNaN: true }),
      outcomeWeights: fc.record({
        complained: fc.double({ min: -1, max: 1, noNaN: true }),
        clicked: fc.double({ min: -1, max: 1, noNaN: true }),
      }),
      // No threshold that a sum of these could meet to the last bit.
      threshold: fc.integer({ min: 1, max: 98 }).map((percent) => (percent + Math.SQRT1_2) / 100),
    });
    fc.assert(
      fc.property(models, made, (more, history) => {
        const asked = model(more);
        const ordered = history
          .sort((left, right) => left.hours - right.hours)
          .map(({ hours, state, told, isKept }, index) => {
            const one = contact(0, { state, at: START + hours * HOUR_MS, decisionId: `d-${100 + index}` });
            return { one, isKept, told: told.map(({ kind, hours: later }) => outcome(one, kind, later)) };
          });
        const happened = ordered.filter(({ isKept }) => !isKept).flatMap(({ told }) => told);
        const went: ReplayedContact[] = [];
        const refused: ReplayedContact[] = [];
        for (const { one, told } of ordered.filter(({ isKept }) => isKept)) {
          const contacts = went.map((each) => ({ ...each, journeyKey: null, tags: [] }));
          const facts = { model: asked, contacts, outcomes: happened, now: one.at };
          if (gateFatigue({ ...facts, legalBasis: 'consent' }).kind === 'refuse') refused.push(one);
          else {
            went.push(one);
            happened.push(...told);
          }
        }
        const contacts = ordered.filter(({ isKept }) => isKept).map(({ one }) => one);
        const outcomes = ordered.flatMap(({ told }) => told).reverse();
        expect(previewFatigue({ model: asked, contacts: contacts.reverse(), outcomes })).toEqual(refused);
      }),
      { numRuns: 500 },
    );
  });
});
