import type { CapRule } from '../../src/core/fatigue/cap-rule.js';
import type { Candidate, Counterfactual, Decision, DecisionInput } from '../../src/core/decisions/types.js';

// What a record says would have changed its answer, done: the sentence is read as a person reads it.

/** A decision, and what one of its sentences is about. */
export interface Supposed {
  readonly input: DecisionInput;
  readonly decision: Decision;
  readonly counterfactual: Counterfactual;
}

type Apply = (input: DecisionInput, said: readonly string[], supposed: Supposed) => DecisionInput;

/** Enough to be strictly more; a number in a sentence has four figures. */
const ROUNDING = 1e-3;
const WORTH_MORE = 1e-6;

/** The input as it would be if all that the sentence says were so; null when nobody can tell what it says. */
export function inputSupposed(supposed: Supposed): DecisionInput | null {
  let { input } = supposed;
  for (const part of supposed.counterfactual.change.split(/ and (?=if |after )/)) {
    const [apply, said] = reading(part) ?? [null, []];
    if (apply === null) return null;
    input = apply(input, said, supposed);
  }
  return input;
}

function reading(part: string): readonly [Apply, readonly string[]] | null {
  for (const [pattern, apply] of READINGS) {
    const [, ...said] = pattern.exec(part) ?? [];
    if (pattern.test(part)) return [apply, said];
  }
  return null;
}

/** What an instant in a sentence is: a time of its own is told to the millisecond beside it. */
const later: Apply = (input, [instant = ''], { counterfactual: { after } }) => ({
  ...input,
  now: Math.max(input.now, after ?? Date.parse(instant)),
});

const alter = (
  input: DecisionInput,
  isMeant: (one: Candidate) => boolean,
  more: Partial<Candidate>,
): DecisionInput => ({
  ...input,
  candidates: input.candidates.map((one) => (isMeant(one) ? { ...one, ...more } : one)),
});

const named = (key: string | null | undefined) => (one: Candidate) => one.key === key;

const candidateOf = ({ input, counterfactual: { candidate } }: Supposed): Candidate | undefined =>
  input.candidates.find(({ key }) => key === candidate);

/** The person says yes now, and whatever was said before was said before. */
const consentNow: Apply = (input, [purpose = '', channel = ''], supposed) => {
  const { now } = input;
  const before = input.consents.map((record) => ({
    ...record,
    receivedAt: record.status === 'granted' ? record.receivedAt : Math.min(record.receivedAt, now - 1),
  }));
  const brand = candidateOf(supposed)?.brand ?? '*';
  const said = { id: 'supposed', status: 'granted', basis: 'consent', isObjection: false } as const;
  const granted = { ...said, purpose, channel, brand, statedAt: now, receivedAt: now, expiresAt: null };
  return { ...input, consents: [...before, granted] };
};

const liftSuppression: Apply = (input, [reason = '', channel = '']) => ({
  ...input,
  suppressions: input.suppressions.filter(
    (one) => one.reason !== reason.replace(' ', '_') || (one.channel !== null && one.channel !== channel),
  ),
});

/** Worth so much more, as what lowers its cost would make it. */
function cheaper(input: DecisionInput, key: string, missing: number): DecisionInput {
  const candidate = input.candidates.find(named(key));
  return candidate === undefined ? input : alter(input, named(key), { channelCost: candidate.channelCost - missing });
}

const slackOf = (bar: number, worth: number): number => (Math.abs(bar) + Math.abs(worth)) * ROUNDING + WORTH_MORE;

const worthMore: Apply = (input, [key = '', bar = '', worth = '']) =>
  cheaper(input, key, Number(bar) - Number(worth) + slackOf(Number(bar), Number(worth)));

const WORTH_MORE_ONLY = /^if (\S+) were worth more than (\S+) instead of (\S+)$/;

/** Where nothing but a worth is to change: the input with one that is a little too small; null where that is no change. */
export function valueJustBelow(input: DecisionInput, change: string): DecisionInput | null {
  const [, key = '', bar = '', worth = ''] = WORTH_MORE_ONLY.exec(change) ?? [];
  const missing = Number(bar) - Number(worth) - slackOf(Number(bar), Number(worth));
  return key === '' || missing <= 0 ? null : cheaper(input, key, missing);
}

const HOUR_MS = 3_600_000;
const SPAN_MS: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
};
const CALENDAR: Readonly<Record<string, string>> = { daily: 'day', weekly: 'week', monthly: 'month' };

/** Whether a sentence that says this of a cap may mean the rule. */
function isCapNamed({ limit, window }: CapRule, said: string): boolean {
  const [, calendar, count, per, gap] =
    /^(?:(daily|weekly|monthly) cap of (\d+)|cap of (\d+ per .+)|minimum gap of (.+))$/.exec(said) ?? [];
  if (calendar !== undefined)
    return window.kind === 'calendar' && window.unit === CALENDAR[calendar] && limit === Number(count);
  const [, times, length, unit] = /^(?:(\d+) per )?(\d+) (second|minute|hour|day)s?$/.exec(per ?? gap ?? '') ?? [];
  if (window.kind === 'calendar' || Number(length) * (SPAN_MS[unit ?? ''] ?? NaN) !== window.durationMs) return false;
  return window.kind === 'min_gap' ? gap !== undefined : limit === Number(times);
}

/** Several rules may read alike: there is room under all of them. */
const roomUnder: Apply = (input, [cap = '']) => ({
  ...input,
  capRules: input.capRules.filter((rule) => !isCapNamed(rule, cap)),
});

const notQuiet: Apply = (input, [channel = '']) => ({
  ...input,
  quietRules: input.quietRules.flatMap((rule) => {
    if (rule.channels !== null && !rule.channels.includes(channel)) return [rule];
    const others = ['email', 'sms', 'push'].filter(
      (other) => other !== channel && (rule.channels?.includes(other) ?? true),
    );
    return [{ ...rule, channels: others }];
  }),
});

const stillSensible: Apply = (input, _, { counterfactual: { candidate } }) => ({
  ...alter(input, named(candidate), { ttlMs: null }),
  quietRules: input.quietRules.map((rule) => ({ ...rule, ttlMs: null })),
});

const liveRun: Apply = (input) => ({ ...input, run: input.run === null ? null : { ...input.run, state: 'active' } });

/** Its priority falls or rises with no other's: nothing of the person's own is weighed against it. */
const aboveOthers: Apply = (input, [key = '']) => {
  const most = Math.max(0, ...input.rivals.map(({ candidate: { channelCost, value } }) => value * 9 - channelCost));
  return cheaper(input, key, most + 99);
};

/** Every sentence that a record may hold. */
const READINGS: readonly (readonly [RegExp, Apply])[] = [
  [/^after (\S+) when /, later],
  [/^if sending were switched on$/, (input) => ({ ...input, isKillSwitchOn: false })],
  [/^if (\S+) were active$/, (input, [key]) => alter(input, named(key), { isActive: true })],
  [
    /^if the template (\S+) existed$/,
    (input, [template]) => alter(input, (one) => one.template === template, { templateVersion: 1 }),
  ],
  [
    /^if the template (\S+) could be rendered for the user$/,
    (input, [template]) => alter(input, (one) => one.template === template, { renderFault: null }),
  ],
  [
    /^if the user had an address on (\S+)$/,
    (input, [channel], { counterfactual: { candidate } }) =>
      alter(input, (one) => one.key === candidate && one.channel === channel, { addressHash: 'supposed' }),
  ],
  [/^if the suppression for (.+) on (\S+) were lifted$/, liftSuppression],
  [/^if the user took the objection back with a new consent for (\S+) on (\S+)$/, consentNow],
  [/^if consent for (\S+) on (\S+) were (?:granted|confirmed|renewed)$/, consentNow],
  [/^if the run (?:were resumed|had not ended)$/, liveRun],
  [
    /^if the journey (\S+) had ended for the user$/,
    (input, [journey]) => ({ ...input, otherRuns: input.otherRuns.filter(({ journeyKey }) => journeyKey !== journey) }),
  ],
  [/^if (\S+) made sense for the user now$/, (input, [key]) => alter(input, named(key), { applicability: null })],
  [/^if (\S+) were right for the user$/, (input, [key]) => alter(input, named(key), { suitability: null })],
  [/^if the user met the conditions of (\S+)$/, (input, [key]) => alter(input, named(key), { eligibility: null })],
  [/^if the pause of (\S+) were lifted$/, (input) => ({ ...input, pauseRules: [] })],
  [
    /^if the user were less tired of messages$/,
    (input) => ({ ...input, fatigueModel: input.fatigueModel && { ...input.fatigueModel, threshold: null } }),
  ],
  [/^if (\S+) still made sense at \S+$/, stillSensible],
  [/^if the message still made sense when quiet hours end$/, stillSensible],
  [/^if it were not a quiet hour on (\S+)$/, notQuiet],
  [/^if quiet hours on (\S+) left some time open$/, notQuiet],
  [/^if the (.*cap of .+|minimum gap .+) left room for \S+$/, roomUnder],
  [/^if (\S+) were worth more than what waits beside it$/, aboveOthers],
  [WORTH_MORE_ONLY, worthMore],
  [
    /^if doing nothing were worth (\S+) or more$/,
    (input, [worth]) => ({ ...input, doNothingValue: Number(worth) + Math.abs(Number(worth)) * ROUNDING }),
  ],
  [/^if the user were not held out$/, (input) => ({ ...input, holdouts: [] })],
];
