import type { Candidate, GateVerdict } from './types.js';
import { instantText } from './text.js';

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
    case 'identity':
      return identityChange(blocker, candidate);
    case 'suppression':
      if (blocker.reason === 'SUPPRESSED_ERASURE') return null;
      return `if the suppression for ${suppressionText(blocker)} on ${channel} were lifted`;
    case 'consent':
      return `if consent for ${purpose} on ${channel} were ${consentVerb(blocker)}`;
    case 'exit':
      return blocker.reason === 'RUN_PAUSED' ? 'if the run were resumed' : 'if the run had not ended';
    case 'next_best_action':
      return `if the user met the conditions of ${key}`;
    case 'quiet_hours':
      return `if quiet hours on ${channel} left some time open`;
    case 'journey_conflict':
      return 'if no run of greater importance were under way';
    case 'expiry':
      return 'if the message were allowed to be later';
    case 'pending_candidates':
      return `if ${key} were worth more than what waits beside it`;
    case 'holdout':
      return 'if the user were not held out';
    case 'caps':
      return `if the ${capText(blocker)} left room for ${template}`;
  }
}

/** What happens at the instant from which a gate passes by itself: `quiet hours end`, `the daily cap of 1 frees`. */
export function openingText(blocker: GateVerdict): string {
  if (blocker.gate === 'quiet_hours') return 'quiet hours end';
  if (blocker.gate === 'caps') return `the ${capText(blocker)} frees`;
  if (blocker.gate === 'consent') return 'the consent begins to hold';
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

function suppressionText({ reason }: GateVerdict): string {
  return (reason ?? '').slice(SUPPRESSION_PREFIX.length).toLowerCase().replace('_', ' ');
}

function consentVerb({ reason }: GateVerdict): string {
  if (reason === 'CONSENT_PENDING') return 'confirmed';
  return reason === 'CONSENT_EXPIRED' ? 'renewed' : 'granted';
}

function capText({ facts }: GateVerdict): string {
  const { limit, window } = facts;
  return window === 'calendar day' ? `daily cap of ${limit}` : `cap of ${limit} per ${window}`;
}
