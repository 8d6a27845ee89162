import fc from 'fast-check';

import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  quietRule,
  suppression,
  NEVER,
  runIn,
  userWith,
} from '../../../test/support/decision-input.js';
import { decide } from './decide.js';
import type { DecisionInput } from './types.js';

describe('decide, on any input', () => {
  const channel = fc.constantFrom('email', 'sms');
  const hours = (from: number, to: number) =>
    fc.integer({ min: from, max: to }).map((hour) => DECIDED_AT + hour * 3_600_000);
  const candidates = fc
    .uniqueArray(
      fc.record({
        key: fc.constantFrom('a', 'b', 'c', 'd'),
        channel,
        value: fc.integer({ min: 0, max: 4 }),
        isActive: fc.constantFrom(true, true, true, false),
        legalBasis: fc.constantFrom('consent' as const, 'consent' as const, 'contract' as const),
        addressHash: fc.constantFrom('hash', 'hash', 'hash', null),
        eligibility: fc.constantFrom(null, null, NEVER),
      }),
      { selector: ({ key }) => key, maxLength: 4 },
    )
    .map((list) => list.map(({ key, ...more }) => candidate(key, more)));
  const consents = fc
    .array(
      fc.tuple(channel, fc.constantFrom('granted' as const, 'granted' as const, 'withdrawn' as const), hours(-5, 2)),
      { maxLength: 4 },
    )
    .map((list) =>
      list.map(([on, status, at], index) =>
        grant({ id: `c${index}`, channel: on, status, statedAt: at, receivedAt: at }),
      ),
    );
  const inputs: fc.Arbitrary<DecisionInput> = fc
    .record({
      isKillSwitchOn: fc.constantFrom(false, false, false, true),
      candidates,
      consents,
      doNothingValue: fc.integer({ min: -1, max: 2 }),
      suppressions: fc
        .array(fc.tuple(fc.constantFrom('email', 'sms', null), fc.option(hours(0, 30))), { maxLength: 2 })
        .map((list) => list.map(([on, until], index) => suppression({ id: `s${index}`, channel: on, until }))),
      quietRules: fc
        .array(fc.tuple(channel, fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 23 })), { maxLength: 2 })
        .map((list) =>
          list.map(([on, start, end]) => quietRule({ channels: [on], startMinute: start * 60, endMinute: end * 60 })),
        ),
      capRules: fc
        .array(
          fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom('drop' as const, 'defer' as const), fc.boolean()),
          { maxLength: 2 },
        )
        .map((list) =>
          list.map(([limit, onHit, isRolling], index) =>
            capRule({
              id: `cap${index}`,
              limit,
              onHit,
              window: isRolling ? { kind: 'rolling', durationMs: 30 * 3_600_000 } : { kind: 'calendar', unit: 'day' },
            }),
          ),
        ),
      contacts: fc
        .array(hours(-40, 0), { maxLength: 3 })
        .map((list) => list.map((at, index) => contact({ decisionId: `d${index}`, at }))),
      zones: fc.constantFrom(['UTC'], ['America/New_York', 'Asia/Kathmandu'], ['Australia/Lord_Howe']),
      state: fc.constantFrom('active' as const, 'active' as const, 'active' as const, 'paused' as const),
    })
    .map(({ zones, state, ...more }) => decisionInput({ ...more, user: userWith({ zones }), run: runIn(state) }));

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
        const isOpen = (key: string): boolean =>
          decision.gates.every(
            ({ candidates: about, kind }) => kind === 'pass' || (about !== null && !about.includes(key)),
          );
        const winner = decision.candidates.find(({ lostBecause }) => lostBecause === null);
        if (decision.outcome.kind === 'act') {
          const { action } = decision.outcome;
          expect(winner?.key).toBe(action);
          expect(isOpen(action)).toBe(true);
          for (const { key, net } of decision.candidates) {
            if (isOpen(key) && net > input.doNothingValue) expect(net).toBeLessThanOrEqual(winner?.net ?? Number.NaN);
          }
        }
        if (decision.outcome.kind === 'do_nothing') {
          expect(winner).toBeUndefined();
          for (const { key, net } of decision.candidates) expect(isOpen(key) && net > input.doNothingValue).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never acts without consent, under suppression or over a limit', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { outcome: found } = decide(input);
        if (found.kind !== 'act') return;
        const chosen = input.candidates.find(({ key }) => key === found.action);
        if (chosen?.legalBasis !== 'consent') return;
        const [last] = input.consents
          .filter(({ channel: on, statedAt }) => on === chosen.channel && statedAt <= input.now)
          .sort((left, right) => right.statedAt - left.statedAt || (left.status === 'withdrawn' ? -1 : 1));
        expect(last?.status).toBe('granted');
        const held = input.suppressions.filter(({ until }) => until === null || until > input.now);
        expect(held.filter(({ channel: on }) => on === null || on === chosen.channel)).toEqual([]);
        expect(input.capRules.every(({ limit }) => limit > 0)).toBe(true);
      }),
      { numRuns: 500 },
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
      { numRuns: 500 },
    );
  });

  it('gives another answer once the consent of a counterfactual is granted', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const decision = decide(input);
        for (const { change, candidate: key } of decision.counterfactuals) {
          if (!/^if consent for marketing on (email|sms) were (granted|renewed)$/.test(change)) continue;
          const on = input.candidates.find((one) => one.key === key)?.channel ?? '';
          const others = input.consents.filter((record) => record.channel !== on);
          const consented = { ...input, consents: [...others, grant({ channel: on })] };
          expect(decide(consented).outcome).not.toEqual(decision.outcome);
        }
      }),
      { numRuns: 500 },
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

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
