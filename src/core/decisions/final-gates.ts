import { gateCaps, type CapQuestion } from '../fatigue/gate-caps.js';
import type { CapRule } from '../fatigue/cap-rule.js';
import type { InstantMs } from '../kernel/instant.js';
import { assignmentFraction } from '../kernel/stable-hash.js';
import { gateQuietHours } from '../quiet-hours/gate-quiet-hours.js';
import { PASS, refuse, ruleText, type GateAnswer } from './gate-answer.js';
import type { Memo } from './memo.js';
import { remembered } from './memo.js';
import { spanText } from './text.js';
import type { Candidate, DecisionInput } from './types.js';

/**
 * How a gate that does not pass is dealt with: `drop` takes the candidate out, `switch` lets another channel step in,
 * `skip` passes the step over, `wait` puts the answer off.
 */
export type OnHit = 'drop' | 'switch' | 'skip' | 'wait';

/** What is asked of a candidate that would win, in this order. */
export interface FinalGates {
  readonly expiry: GateAnswer;
  readonly quietHours: GateAnswer;
  readonly caps: GateAnswer;
  readonly sending: GateAnswer;
  readonly holdout: GateAnswer;
  readonly quietOnHit: OnHit;
  readonly capsOnHit: OnHit;
  /** When to ask again if quiet hours put it off; jitter included. */
  readonly quietWakeAt: InstantMs | null;
}

/** Candidates that differ in nothing that these gates look at share their answers through `memo`. */
export function askFinalGates(input: DecisionInput, candidate: Candidate, memo: Memo<FinalGates>): FinalGates {
  const { channel, purpose, legalBasis, tags, group, ttlMs } = candidate;
  const seenBy = JSON.stringify([channel, purpose, legalBasis, group, ttlMs, tags]);
  return remembered(memo, seenBy, () => {
    const quiet = askQuietHours(input, candidate);
    const caps = askCaps(input, candidate);
    const expiry = askExpiry(input, candidate, [quiet.answer, caps.answer]);
    return {
      expiry,
      quietHours: quiet.answer,
      caps: caps.answer,
      sending: askSending(input, candidate),
      holdout: askHoldout(input, candidate),
      quietOnHit: quiet.onHit,
      capsOnHit: caps.onHit,
      quietWakeAt: quiet.wakeAt,
    };
  });
}

function askQuietHours(
  input: DecisionInput,
  { channel, purpose, legalBasis, ttlMs }: Candidate,
): { readonly answer: GateAnswer; readonly onHit: OnHit; readonly wakeAt: InstantMs | null } {
  const { quietRules: rules, readyAt, now } = input;
  const { id: userId, zones, jurisdictions, placesElsewhere = [] } = input.user;
  const place = { zones, jurisdictions, placesElsewhere };
  const question = { rules, ...place, channel, purpose, legalBasis, userId, readyAt, ttlMs, now };
  const answer = gateQuietHours(question);
  if (answer.kind === 'pass') return { answer: PASS, onHit: 'drop', wakeAt: null };
  const { reason, zone } = answer;
  const rule = ruleText(answer.rule);
  const facts = { zone, origin: answer.rule.origin, source: answer.rule.source };
  if (answer.kind === 'refuse') return { answer: refuse(reason, facts, { rule }), onHit: 'drop', wakeAt: null };
  const { opening, jitterMs } = answer;
  return {
    answer: { kind: 'defer', reason, rule, until: opening, facts: { ...facts, jitterMs } },
    onHit: answer.onHit === 'switch_channel' ? 'switch' : 'wait',
    wakeAt: opening + jitterMs,
  };
}

/** The question of the caps about one candidate, also asked about candidates of other runs. */
export function capQuestion(input: DecisionInput, candidate: Candidate, journeyKey: string | null): CapQuestion {
  const { channel, purpose, legalBasis, tags, group } = candidate;
  const { capRules: rules, contacts, now } = input;
  return { rules, contacts, zones: input.user.zones, channel, purpose, legalBasis, tags, group, journeyKey, now };
}

function askCaps(input: DecisionInput, candidate: Candidate): { readonly answer: GateAnswer; readonly onHit: OnHit } {
  const answer = gateCaps(capQuestion(input, candidate, input.run?.journeyKey ?? null));
  if (answer.kind === 'pass') return { answer: PASS, onHit: 'drop' };
  const { kind, rule, count, decisionId, until } = answer;
  const facts = { window: windowText(rule), limit: rule.limit, count, decisionId };
  const named = { rule: ruleText(rule), until, facts };
  // Who lost the place to another run's message at the opening both waited for is told so, and does not wait again.
  if (decisionId !== null && decisionId === input.beatenBy) {
    return { answer: { kind: 'refuse', reason: 'LOWER_PRIORITY', ...named }, onHit: 'drop' };
  }
  return { answer: { kind, reason: 'CAP_REACHED', ...named }, onHit: capOnHit(rule, kind) };
}

function capOnHit({ onHit }: CapRule, kind: 'refuse' | 'defer'): OnHit {
  if (kind === 'defer') return 'wait';
  if (onHit === 'degrade_channel') return 'switch';
  return onHit === 'skip' ? 'skip' : 'drop';
}

function windowText({ window }: CapRule): string {
  switch (window.kind) {
    case 'calendar':
      return `calendar ${window.unit}`;
    case 'min_gap':
      return `gap of ${spanText(window.durationMs)}`;
    case 'rolling':
      return spanText(window.durationMs);
  }
}

/** Too late is a message whose time is over, and one that would have to wait until it is. */
function askExpiry({ now, readyAt }: DecisionInput, { ttlMs }: Candidate, waits: readonly GateAnswer[]): GateAnswer {
  if (ttlMs === null) return PASS;
  const expiresAt = readyAt + ttlMs;
  const askedAt = Math.max(now, ...waits.map(({ kind, until }) => (kind === 'defer' ? (until ?? now) : now)));
  return askedAt < expiresAt ? PASS : refuse('EXPIRED', { expiresAt, askedAt });
}

/** Marketing by e-mail waits while its domain is paused, and nobody knows until when: another channel does not step in. */
function askSending({ sendingPause }: DecisionInput, { channel, legalBasis }: Candidate): GateAnswer {
  if (sendingPause === undefined || channel !== 'email' || legalBasis === 'contract') return PASS;
  const { domain, cause, since } = sendingPause;
  return { kind: 'defer', reason: 'SENDING_PAUSED', rule: null, until: null, facts: { domain, cause, since } };
}

/**
 * A part of the users is left alone on purpose. It stands behind all other gates, so that who is held out is exposed to
 * silence exactly when a contact would have been made.
 */
function askHoldout({ user, holdouts }: DecisionInput, { purpose, legalBasis }: Candidate): GateAnswer {
  if (legalBasis === 'contract') return PASS;
  for (const holdout of holdouts) {
    if (!holdout.purposes.includes(purpose)) continue;
    const fraction = assignmentFraction(holdout.salt, user.id);
    if (fraction >= holdout.share) continue;
    return refuse('HOLDOUT', { share: holdout.share, salt: holdout.salt, fraction }, { rule: ruleText(holdout) });
  }
  return PASS;
}
