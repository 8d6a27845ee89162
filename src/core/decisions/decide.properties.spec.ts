import fc from 'fast-check';

import { anyDecisionInput } from '../../../test/support/any-decision-input.js';
import { grant } from '../../../test/support/decision-input.js';
import { isScored } from './arbitrate.js';
import { decide } from './decide.js';
import type { Decision, DecisionInput } from './types.js';

const inputs = anyDecisionInput;

/** Whether no gate says anything against it. */
function isOpen({ gates }: Decision, key: string): boolean {
  return gates.every(({ candidates: about, kind }) => kind === 'pass' || (about !== null && !about.includes(key)));
}

/** Keys of candidates that are open and worth more than silence, best first. */
function openKeys(decision: Decision): readonly string[] {
  return decision.candidates
    .filter(isScored)
    .filter(({ key, net }) => net > decision.doNothingValue && isOpen(decision, key))
    .map(({ key }) => key);
}

function basisOf({ candidates }: DecisionInput, asked: string): string {
  return candidates.find(({ key }) => key === asked)?.legalBasis ?? 'none';
}

describe('decide, on any input', () => {
  it('gives the same value bit for bit, and leaves its input alone', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const before = JSON.stringify(input);
        const first = decide(deepFreeze(structuredClone(input)));
        expect(JSON.stringify(decide(input))).toBe(JSON.stringify(first));
        expect(JSON.parse(JSON.stringify(first))).toEqual(first);
        expect(JSON.stringify(input)).toBe(before);
      }),
    );
  });

  it('acts only with a candidate that passes every gate and beats doing nothing, and then no better one does', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const decision = decide(input);
        const { outcome } = decision;
        const winners = decision.candidates.filter(({ lostBecause }) => lostBecause === null);
        expect(winners.map(({ key }) => key)).toEqual(outcome.kind === 'do_nothing' ? [] : [outcome.action]);
        if (outcome.kind !== 'act') return;
        const open = openKeys(decision);
        expect(open).toContain(outcome.action);
        const better = open.slice(0, open.indexOf(outcome.action));
        // Of those that are open only what rests on a contract passes another one, and only what rests on consent.
        if (basisOf(input, outcome.action) === 'consent') expect(better).toEqual([]);
        for (const key of better) {
          expect(basisOf(input, key)).toBe('consent');
          const rank = decision.candidates.findIndex((score) => score.key === key);
          const before = decision.candidates.slice(0, rank).map((score) => score.key);
          expect(before.some((each) => basisOf(input, each) === 'consent' && !isOpen(decision, each))).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('is silent or waits only while nothing that rests on a contract is open, and nothing else without a rule', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const decision = decide(input);
        const { outcome } = decision;
        if (outcome.kind === 'act') return;
        const open = openKeys(decision);
        expect(open.filter((key) => basisOf(input, key) === 'contract')).toEqual([]);
        const isEnded =
          outcome.kind === 'defer' || outcome.reason === 'HOLDOUT' || (outcome.isPassedOver ?? false) === true;
        if (!isEnded) expect(open).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('says of none that it was worth less that was worth more', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { candidates, gates } = decide(input);
        const scores = candidates.filter(isScored);
        const winner = scores.find(({ lostBecause }) => lostBecause === null);
        if (winner === undefined) return;
        // Two gates weigh messages of other runs: who loses against those is told so too.
        const isBeaten = gates.some(({ reason }) => reason === 'LOWER_PRIORITY');
        if (isBeaten) return;
        const worse = scores.filter(({ lostBecause }) => lostBecause === 'LOWER_PRIORITY');
        for (const { net } of worse) expect(net).toBeLessThanOrEqual(winner.net);
      }),
      { numRuns: 1_000 },
    );
  });

  it('scores nothing that rests on consent while the person objects, and everything else', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const decision = decide(input);
        const isObjecting = input.consents.some((record) => record.isObjection);
        for (const { key, net, lostBecause } of decision.candidates) {
          const refused = decision.gates.find(
            ({ gate, candidates, kind }) => gate === 'consent' && kind !== 'pass' && candidates?.includes(key),
          );
          if (net !== null) {
            if (refused?.reason === 'OBJECTION') expect(isObjectionLifted(input)).toBe(true);
            continue;
          }
          expect(isObjecting && basisOf(input, key) === 'consent' && refused !== undefined).toBe(true);
          expect(lostBecause).not.toBeNull();
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('never acts without consent, under suppression, over a limit or held out', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { outcome: found } = decide(input);
        if (found.kind !== 'act') return;
        expect(input.isKillSwitchOn).toBe(false);
        expect(input.user.hold).toBeUndefined();
        expect(input.run?.isJourneyPaused).toBeUndefined();
        const chosen = input.candidates.find(({ key }) => key === found.action);
        if (chosen?.legalBasis !== 'consent') return;
        const [last] = input.consents
          .filter(
            ({ channel, purpose }) =>
              [chosen.channel, '*'].includes(channel) && [chosen.purpose, '*'].includes(purpose),
          )
          .filter(({ statedAt }) => statedAt <= input.now)
          .sort((left, right) => right.statedAt - left.statedAt || weightOf(right) - weightOf(left));
        expect(last?.status).toBe('granted');
        const held = input.suppressions.filter(({ until }) => until === null || until > input.now);
        expect(held.filter(({ channel }) => channel === null || channel === chosen.channel)).toEqual([]);
        const isGlobal = (rule: DecisionInput['capRules'][number]): boolean =>
          rule.scope.kind === 'global' && rule.purposes.includes(chosen.purpose);
        expect(input.capRules.filter(isGlobal).every(({ limit }) => limit > 0)).toBe(true);
        expect(input.holdouts.filter(({ purposes }) => purposes.includes(chosen.purpose))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives another answer once the instant of a counterfactual has come', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const decision = decide(input);
        for (const { after } of decision.counterfactuals) {
          if (after === null) continue;
          expect(after).toBeGreaterThan(input.now);
          expect(decide({ ...input, now: after }).outcome).not.toEqual(decision.outcome);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives another answer once the consent of a counterfactual is granted', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const decision = decide(input);
        for (const { change } of decision.counterfactuals) {
          const [, purpose, channel] = /^if consent for (\w+) on (\w+) were (?:granted|renewed)$/.exec(change) ?? [];
          if (purpose === undefined || channel === undefined) continue;
          // Of who objects no score is made, so nobody knows what the consent would be worth.
          const about = input.candidates.filter((each) => each.purpose === purpose && each.channel === channel);
          const isKnown = about.every(({ key }) =>
            decision.candidates.some((each) => each.key === key && isScored(each)),
          );
          if (!isKnown) continue;
          const others = input.consents.filter((record) => record.channel !== channel || record.purpose !== purpose);
          const granted = grant({ id: 'new', purpose, channel, statedAt: input.now, receivedAt: input.now });
          const before = others.filter(({ statedAt }) => statedAt < input.now);
          expect(decide({ ...input, consents: [...before, granted] }).outcome).not.toEqual(decision.outcome);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('offers a way out of every silence but that of an erased person', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        expect(decide(input).counterfactuals.length).toBeGreaterThan(0);
      }),
    );
  });
});

const WEIGHTS = { granted: 0, pending: 1, denied: 2, withdrawn: 3 } as const;
const weightOf = ({ status }: DecisionInput['consents'][number]): number => WEIGHTS[status];

/** Whether anything was granted after the objection, and holds. */
function isObjectionLifted({ consents, now }: DecisionInput): boolean {
  const at = Math.max(...consents.filter((record) => record.isObjection).map(({ statedAt }) => statedAt));
  return consents.some(({ status, statedAt }) => status === 'granted' && statedAt > at && statedAt <= now);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
