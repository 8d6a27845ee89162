import type { Candidate, GateVerdict, ScoredCandidate } from './types.js';
import { instantText, valueText } from './text.js';

const SUPPRESSION_PREFIX = 'SUPPRESSED_';

/**
 * What would have to change for this gate to pass, as the end of "it would have been different …".
 *
 * @returns null when nothing may change it: a person who was erased does not come back
 */
export function changeText(blocker: GateVerdict, candidate: Candidate): string | null {
  if (blocker.until !== null) return `after ${instantText(blocker.until)} when ${openingText(blocker)}`;
  const { channel, purpose, key, template } = candidate;
  switch (blocker.gate) {
    case 'kill_switch':
      return 'if sending were switched on';
    case 'user_hold':
      return 'if the hold on the user were lifted';
    case 'journey_pause':
      return 'if the journey were resumed';
    case 'identity':
      return identityChange(blocker, candidate);
    case 'suppression':
      if (blocker.reason === 'SUPPRESSED_ERASURE') return null;
      return `if the suppression for ${suppressionText(blocker)} on ${channel} were lifted`;
    case 'consent':
      return consentChange(blocker, `${purpose} on ${channel}`);
    case 'exit':
      return blocker.reason === 'RUN_PAUSED' ? 'if the run were resumed' : 'if the run had not ended';
    case 'next_best_action':
      return conditionChange(blocker, key);
    case 'quiet_hours':
      return quietChange(blocker, channel);
    case 'journey_conflict':
      return `if the journey ${blocker.facts['otherJourney']} had ended for the user`;
    case 'pause':
      return `if the pause of ${key} were lifted`;
    case 'fatigue':
      return 'if the user were less tired of messages';
    case 'expiry':
      return `if ${key} still made sense at ${instantText(Number(blocker.facts['askedAt']))}`;
    case 'pending_candidates':
      return `if ${key} were worth more than what waits beside it`;
    case 'holdout':
      return 'if the user were not held out';
    case 'sending_pause':
      return `if marketing from ${blocker.facts['domain']} were resumed`;
    case 'caps':
      return `if the ${capText(blocker)} left room for ${template}`;
  }
}

/** What would have to be so for a candidate to be worth more than `bar`. */
export const worthChangeText = ({ key, net }: ScoredCandidate, bar: number): string =>
  `if ${key} were worth more than ${valueText(bar)} instead of ${valueText(net)}`;

/**
 * What would have to be so for a candidate to overtake a rival. Of the channels of one message, all worth the same, the
 * preferred one comes first, if somebody carries it.
 *
 * @param rival undefined: silence, or nothing that is known
 */
export function overtakeText(
  score: ScoredCandidate,
  bar: number,
  { candidate, rival }: { readonly candidate: Candidate; readonly rival: Candidate | undefined },
): string {
  const { channel, choice } = candidate;
  if (choice === undefined || rival?.choice === undefined || score.net !== bar) return worthChangeText(score, bar);
  const preferred = `the person preferred ${channel}`;
  if (choice.isCarried || !rival.choice.isCarried) return `if ${preferred}`;
  return `if an active account carried ${channel}${choice.isPreferred ? '' : ` and ${preferred}`}`;
}

/** What happens at the instant from which a gate passes by itself: `quiet hours end`, `the daily cap of 1 frees`. */
export function openingText(blocker: GateVerdict): string {
  if (blocker.gate === 'quiet_hours') return 'quiet hours end';
  if (blocker.gate === 'caps') return `the ${capText(blocker)} ${isGap(blocker) ? 'is over' : 'frees'}`;
  if (blocker.gate === 'user_hold') return 'the hold on the user ends';
  if (blocker.gate === 'consent') return 'the consent begins to hold';
  if (blocker.gate === 'pause') return 'the pause ends';
  if (blocker.gate === 'fatigue') return 'the user is less tired of messages';
  if (blocker.gate === 'pending_candidates') return 'the message that waits beside it has had its turn';
  return 'the suppression ends';
}

function identityChange({ reason }: GateVerdict, { key, template, channel }: Candidate): string | null {
  if (reason === 'USER_ERASED') return null;
  if (reason === 'ACTION_INACTIVE') return `if ${key} were active`;
  if (reason === 'TEMPLATE_MISSING') return `if the template ${template} existed`;
  if (reason === 'RENDER_FAILED') return `if the template ${template} could be rendered for the user`;
  if (reason === 'ADDRESS_MISSING') return `if the user had an address on ${channel}`;
  return 'if the user existed';
}

function quietChange({ reason }: GateVerdict, channel: string): string {
  if (reason === 'EXPIRED') return 'if the message still made sense when quiet hours end';
  if (reason === 'NO_ALLOWED_TIME') return `if quiet hours on ${channel} left some time open`;
  return `if it were not a quiet hour on ${channel}`;
}

function suppressionText({ reason }: GateVerdict): string {
  return (reason ?? '').slice(SUPPRESSION_PREFIX.length).toLowerCase().replace('_', ' ');
}

function consentChange(blocker: GateVerdict, what: string): string {
  if (blocker.reason === 'OBJECTION') return `if the user took the objection back with a new consent for ${what}`;
  return `if consent for ${what} were ${consentVerb(blocker)}`;
}

function conditionChange({ reason }: GateVerdict, key: string): string {
  if (reason === 'NOT_APPLICABLE') return `if ${key} made sense for the user now`;
  return reason === 'NOT_SUITABLE' ? `if ${key} were right for the user` : `if the user met the conditions of ${key}`;
}

function consentVerb({ reason }: GateVerdict): string {
  if (reason === 'CONSENT_PENDING') return 'confirmed';
  return reason === 'CONSENT_EXPIRED' ? 'renewed' : 'granted';
}

const CALENDAR_CAPS: Readonly<Record<string, string>> = {
  'calendar day': 'daily',
  'calendar week': 'weekly',
  'calendar month': 'monthly',
};

function capText({ facts }: GateVerdict): string {
  const { limit, window } = facts;
  const calendar = CALENDAR_CAPS[String(window)];
  if (calendar !== undefined) return `${calendar} cap of ${limit}`;
  return isGap({ facts }) ? `minimum ${window}` : `cap of ${limit} per ${window}`;
}

function isGap({ facts }: Pick<GateVerdict, 'facts'>): boolean {
  return String(facts['window']).startsWith('gap of');
}
