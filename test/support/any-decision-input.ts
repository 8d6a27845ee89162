import fc from 'fast-check';

import { placeChannels } from '../../src/core/decisions/choose-channel.js';
import type { Candidate, DecisionInput, Rival } from '../../src/core/decisions/types.js';
import type { CapScope } from '../../src/core/fatigue/cap-rule.js';
import { HOUR_MS, MINUTE_MS } from '../../src/core/kernel/instant.js';
import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  NEVER,
  quietRule,
  runIn,
  suppression,
  userWith,
} from './decision-input.js';

const PURPOSES = ['marketing', 'news'] as const;
const channel = fc.constantFrom('email', 'sms');
const purpose = fc.constantFrom(...PURPOSES, 'marketing' as const);
const purposes = fc.constantFrom([...PURPOSES], ['marketing']);
/** What seldom happens: most inputs should reach the last gates. */
const seldom = <T>(value: T, usual: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(value) });
const group = fc.constantFrom(null, null, 'offers');
const tags = fc.constantFrom([], [], ['promo']);
const hours = (from: number, to: number): fc.Arbitrary<number> =>
  fc.integer({ min: from, max: to }).map((hour) => DECIDED_AT + hour * HOUR_MS);

function candidatesOf(keys: readonly string[], countMin: number): fc.Arbitrary<Candidate[]> {
  const parts = {
    key: fc.constantFrom(...keys),
    channel,
    purpose,
    tags,
    group,
    value: fc.integer({ min: 0, max: 4 }),
    isActive: seldom(false, true),
    legalBasis: fc.constantFrom('consent' as const, 'consent' as const, 'consent' as const, 'contract' as const),
    addressHash: seldom<string | null>(null, 'hash'),
    eligibility: seldom<Candidate['eligibility']>(NEVER, null),
    ttlMs: fc.constantFrom(null, null, null, null, HOUR_MS, 12 * HOUR_MS),
  };
  return fc
    .uniqueArray(fc.record(parts), { selector: ({ key }) => key, minLength: countMin, maxLength: keys.length })
    .map((list) => list.map(({ key, ...more }) => candidate(key, more)));
}

const EVERY_CONSENT = PURPOSES.flatMap((about) => ['email', 'sms'].map((on) => [about, on] as const));

/** Mostly grants for everything, so that most candidates reach the later gates. */
const consents = fc
  .record({
    first: fc.oneof(fc.constant(EVERY_CONSENT), fc.subarray(EVERY_CONSENT, { minLength: 2 })),
    later: fc.array(fc.tuple(purpose, channel, fc.constantFrom('granted', 'withdrawn', 'pending'), hours(-5, 2)), {
      maxLength: 1,
    }),
    objections: seldom(1, 0),
    objectedAt: hours(-6, 0),
  })
  .map(({ first, later, objections, objectedAt }) => [
    ...first.map(([about, on], index) => grant({ id: `f${index}`, purpose: about, channel: on })),
    ...later.map(([about, on, status, at], index) =>
      grant({ id: `l${index}`, purpose: about, channel: on, status, statedAt: at, receivedAt: at }),
    ),
    ...Array.from({ length: objections }, () => objection(objectedAt)),
  ]);

function objection(at: number): DecisionInput['consents'][number] {
  const everything = { purpose: '*', channel: '*', brand: '*' };
  return grant({ id: 'o', ...everything, status: 'withdrawn', statedAt: at, receivedAt: at, isObjection: true });
}

const suppressions = fc
  .record({ count: seldom(1, 0), channel: fc.constantFrom('email', 'sms', null), until: fc.option(hours(0, 30)) })
  .map(({ count, ...more }) => Array.from({ length: count }, (_, index) => suppression({ id: `s${index}`, ...more })));

const quietRules = fc
  .array(
    fc.record({
      channels: fc.constantFrom(['email'], ['sms'], null),
      startMinute: fc.integer({ min: 0, max: 23 }).map((hour) => hour * 60),
      endMinute: fc.integer({ min: 0, max: 23 }).map((hour) => hour * 60),
      onHit: fc.constantFrom('defer' as const, 'drop' as const, 'switch_channel' as const),
      purposes: fc.constantFrom(null, ['marketing']),
    }),
    { maxLength: 2 },
  )
  .map((list) => list.map((rule, index) => quietRule({ id: `quiet${index}`, ...rule })));

const scopes: fc.Arbitrary<CapScope> = fc.constantFrom(
  { kind: 'global' },
  { kind: 'channel', channel: 'sms' },
  { kind: 'channel', channel: 'email' },
  { kind: 'tag', tag: 'promo' },
  { kind: 'group', group: 'offers' },
  { kind: 'journey', journeyKey: 'welcome' },
);
const capRules = fc
  .array(
    fc.record({
      scope: scopes,
      limit: fc.integer({ min: 0, max: 2 }),
      onHit: fc.constantFrom('drop' as const, 'defer' as const, 'skip' as const, 'degrade_channel' as const),
      purposes,
      window: fc.constantFrom(
        { kind: 'rolling' as const, durationMs: 30 * HOUR_MS },
        { kind: 'calendar' as const, unit: 'day' as const },
      ),
    }),
    { maxLength: 3 },
  )
  .map((list) => list.map((rule, index) => capRule({ id: `cap${index}`, ...rule })));

const contacts = fc
  .array(fc.record({ at: hours(-40, 0), channel, tags, group }), { maxLength: 3 })
  .map((list) => list.map((made, index) => contact({ decisionId: `d${index}`, ...made })));

const pauses = fc
  .array(fc.tuple(fc.constantFrom('action' as const, 'group' as const, 'channel' as const), hours(-10, 0)), {
    maxLength: 1,
  })
  .map((list): Pick<DecisionInput, 'pauseRules' | 'outcomes'> => ({
    pauseRules: list.map(([scope]) => ({
      ...{ id: 'rest', version: 1, outcomes: ['dismissed'], count: 1, purposes: [...PURPOSES] },
      ...{ withinMs: 48 * HOUR_MS, scope, pauseMs: 12 * HOUR_MS },
    })),
    outcomes: list.map(([, at]) => ({
      ...{ decisionId: 'd', kind: 'dismissed', at, channel: 'sms', purpose: 'marketing', action: 'a', group: 'offers' },
    })),
  }));

const fatigueModel = fc.option(
  fc.record({ costPerScore: fc.constantFrom(0, 2), threshold: fc.constantFrom(null, 0.6) }).map((more) => ({
    ...{ id: 'tired', version: 1, halfLifeMs: 24 * HOUR_MS, contactWeight: 0.5, outcomeWeights: {} },
    ...more,
  })),
  { freq: 2 },
);

const holdouts = fc
  .array(purposes, { maxLength: 1 })
  .chain((list) => fc.constantFrom([], list))
  .map((list) => list.map((held) => ({ id: 'held', version: 1, salt: 'h', share: 1, purposes: held })));

const rivals = candidatesOf(['p', 'q'], 1).chain((list) =>
  fc.tuple(...list.map(() => fc.tuple(fc.integer({ min: -2, max: 1 }), fc.integer({ min: 1, max: 90 })))).map((times) =>
    list.map((own, index): Rival => {
      const [openedMinutes, heldMinutes] = times[index] ?? [0, 0];
      return {
        ...{ runKey: `other:${own.key}`, journeyKey: 'winback', stepId: 'mail', runState: 'active', candidate: own },
        opening: DECIDED_AT + openedMinutes * MINUTE_MS,
        passesOnAt: DECIDED_AT + heldMinutes * MINUTE_MS,
      };
    }),
  ),
);

const SENDING_PAUSE = { domain: 'example.com', cause: 'complaints', since: DECIDED_AT - HOUR_MS } as const;

/** Any input that an honest caller could make, at `DECIDED_AT`: up to four candidates, and all that can befall them. */
export const anyDecisionInput: fc.Arbitrary<DecisionInput> = fc
  .record({
    isKillSwitchOn: seldom(true, false),
    candidates: seldom(0, 2).chain((countMin) => candidatesOf(['a', 'b', 'c', 'd'], countMin)),
    readyAt: hours(-2, 0),
    consents,
    doNothingValue: fc.constantFrom(0, 0, -1, 1, 2),
    suppressions,
    quietRules,
    capRules,
    contacts,
    pauses,
    fatigueModel,
    holdouts,
    rivals: fc.oneof(fc.constant([]), rivals),
    beatenBy: fc.constantFrom(null, null, 'd0'),
    zones: fc.constantFrom(['UTC'], ['America/New_York', 'Asia/Kathmandu'], ['Australia/Lord_Howe']),
    state: seldom<'active' | 'paused'>('paused', 'active'),
    heldUntil: seldom<number | null | undefined>(DECIDED_AT + HOUR_MS, undefined),
    isJourneyPaused: seldom(true, false),
    isSendingPaused: seldom(true, false),
    /** Left out: actions; else channels of one message, and which of them the person prefers. */
    preferred: fc.constantFrom(undefined, undefined, null, 'sms'),
    uncarried: fc.constantFrom(null, null, 'sms'),
    costs: fc.constantFrom<[string, number | null][]>([], [['sms', 2]], [['sms', null]]),
  })
  .map(
    ({ zones, state, heldUntil, isJourneyPaused, isSendingPaused, pauses, preferred, uncarried, costs, ...more }) => {
      const { pauseRules, outcomes } = pauses;
      const hold = heldUntil === undefined ? {} : { hold: { since: DECIDED_AT - HOUR_MS, until: heldUntil } };
      const run = runIn(state);
      return decisionInput({
        ...more,
        ...(preferred === undefined
          ? {}
          : {
              candidates: placeChannels(more.candidates, {
                preferred,
                costs: new Map(costs),
                isCarried: (on) => on !== uncarried,
              }),
            }),
        ...(isSendingPaused ? { sendingPause: SENDING_PAUSE } : {}),
        pauseRules,
        outcomes,
        user: userWith({ zones, ...hold }),
        run: run === null || !isJourneyPaused ? run : { ...run, isJourneyPaused },
      });
    },
  );
