import type { ConsentRecord } from '../consent/consent-record.js';
import type { QuietRule } from '../quiet-hours/quiet-rule.js';
import { ruleText } from './gate-answer.js';
import type { Candidate, DecisionInput, GateVerdict } from './types.js';

/** The facts as they would be if what a sentence says were so, and the candidate as it stands among them. */
export interface Supposition {
  readonly input: DecisionInput;
  readonly candidate: Candidate;
}

/** What a supposed consent and a supposed address are called. */
const SUPPOSED = 'supposed';
/** Enough to be strictly more, and too little to overtake what is far ahead. */
const WORTH_MORE = 1e-6;

/**
 * What `changeText` says of a gate, done: the one thing that the gate names is taken away. It may find the next one, so
 * whoever asks what it takes asks again until the gate has nothing left to say.
 */
export function suppose(supposed: Supposition, blocker: GateVerdict): Supposition {
  const { input, candidate } = supposed;
  const { run, user, fatigueModel } = input;
  const but = (more: Partial<DecisionInput>): Supposition => ({ input: { ...input, ...more }, candidate });
  const butNamed = (rule: { readonly id: string; readonly version: number }): boolean =>
    ruleText(rule) !== blocker.rule;
  switch (blocker.gate) {
    case 'kill_switch':
      return but({ isKillSwitchOn: false });
    case 'user_hold':
      return but({ user: without(user, 'hold') });
    case 'journey_pause':
      return but({ run: run && without(run, 'isJourneyPaused') });
    case 'identity':
      return supposeIdentity(supposed, blocker);
    case 'suppression':
      return but({ suppressions: input.suppressions.filter(({ id }) => id !== blocker.facts['suppressionId']) });
    case 'consent':
      return but({ consents: consentedNow(input, candidate) });
    case 'exit':
      return but({ run: run && { ...run, state: 'active' } });
    case 'journey_conflict': {
      const { otherJourney } = blocker.facts;
      return but({ otherRuns: input.otherRuns.filter(({ journeyKey }) => journeyKey !== otherJourney) });
    }
    case 'next_best_action':
      return alter(supposed, isSame, metCondition(blocker));
    case 'pause':
      return but({ pauseRules: input.pauseRules.filter(butNamed) });
    case 'fatigue':
      return but({ fatigueModel: fatigueModel && { ...fatigueModel, threshold: null } });
    case 'expiry':
      return neverTooLate(supposed);
    case 'quiet_hours':
      return blocker.reason === 'EXPIRED' ? neverTooLate(supposed) : but({ quietRules: rulesForOthers(supposed) });
    case 'caps':
      return but({ capRules: input.capRules.filter(butNamed) });
    case 'pending_candidates':
      return but({ rivals: [] });
    case 'sending_pause':
      return { input: without(input, 'sendingPause'), candidate };
    case 'holdout':
      return but({ holdouts: [] });
  }
}

/** The candidate worth so much more and a little, as a lower cost makes it where a propensity of 0 cannot. */
export function supposeWorth(supposed: Supposition, missing: number): Supposition {
  const channelCost = supposed.candidate.channelCost - missing - WORTH_MORE;
  return alter(supposed, isSame, { channelCost });
}

type IsMeant = (one: Candidate, candidate: Candidate) => boolean;

const isSame: IsMeant = (one, { key }) => one.key === key;
const isOfTemplate: IsMeant = (one, { template }) => one.template === template;

function alter({ input, candidate }: Supposition, isMeant: IsMeant, more: Partial<Candidate>): Supposition {
  const candidates = input.candidates.map((one) => (isMeant(one, candidate) ? { ...one, ...more } : one));
  return { input: { ...input, candidates }, candidate: { ...candidate, ...more } };
}

function without<Whole, Part extends keyof Whole>(whole: Whole, part: Part): Omit<Whole, Part> {
  const { [part]: _, ...rest } = whole;
  return rest;
}

function supposeIdentity(supposed: Supposition, { reason }: GateVerdict): Supposition {
  const { input, candidate } = supposed;
  if (reason === 'ACTION_INACTIVE') return alter(supposed, isSame, { isActive: true });
  if (reason === 'TEMPLATE_MISSING') return alter(supposed, isOfTemplate, { templateVersion: 1 });
  if (reason === 'RENDER_FAILED') return alter(supposed, isOfTemplate, { renderFault: null });
  if (reason === 'ADDRESS_MISSING') return alter(supposed, isSame, { addressHash: SUPPOSED });
  return { input: { ...input, user: { ...input.user, state: 'known' } }, candidate };
}

function metCondition({ reason }: GateVerdict): Partial<Candidate> {
  if (reason === 'NOT_APPLICABLE') return { applicability: null };
  return reason === 'NOT_SUITABLE' ? { suitability: null } : { eligibility: null };
}

/** The person says yes now, after all that was said before. */
function consentedNow({ consents, now }: DecisionInput, candidate: Candidate): readonly ConsentRecord[] {
  const { purpose, channel, brand } = candidate;
  const before = consents.map((record) =>
    record.status === 'granted' ? record : { ...record, receivedAt: Math.min(record.receivedAt, now - 1) },
  );
  const said = { status: 'granted', basis: 'consent', isObjection: false, expiresAt: null } as const;
  return [...before, { id: SUPPOSED, purpose, channel, brand, statedAt: now, receivedAt: now, ...said }];
}

function neverTooLate(supposed: Supposition): Supposition {
  const { input, candidate } = alter(supposed, isSame, { ttlMs: null });
  return { input: { ...input, quietRules: input.quietRules.map((rule) => ({ ...rule, ttlMs: null })) }, candidate };
}

/** No hour is quiet on the candidate's channel; on the others it is as before. */
function rulesForOthers({ input: { candidates, quietRules }, candidate }: Supposition): readonly QuietRule[] {
  const weighed = [...new Set(candidates.map(({ channel }) => channel))];
  return quietRules.map((rule) => {
    const channels = (rule.channels ?? weighed).filter((channel) => channel !== candidate.channel);
    return { ...rule, channels };
  });
}
