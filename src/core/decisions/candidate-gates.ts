import { evaluateCondition } from '../audiences/evaluate-condition.js';
import { gateConsent } from '../consent/gate-consent.js';
import type { CapRule } from '../fatigue/cap-rule.js';
import { gateCaps } from '../fatigue/gate-caps.js';
import type { InstantMs } from '../kernel/instant.js';
import type { ReasonCode } from '../kernel/reasons.js';
import { gateQuietHours } from '../quiet-hours/gate-quiet-hours.js';
import { gateSuppression } from '../suppression/gate-suppression.js';
import { spanText } from './text.js';
import type { Candidate, DecisionInput, GateVerdict } from './types.js';

/** All that the pure gates say about one candidate. Every gate is asked, also after one that refused. */
export interface CandidateGates {
  readonly candidate: Candidate;
  readonly identity: GateVerdict;
  readonly suppression: GateVerdict;
  readonly consent: GateVerdict;
  readonly eligibility: GateVerdict;
  readonly quietHours: GateVerdict;
  readonly caps: GateVerdict;
  /** When to ask again if the first of the last two gates that does not pass defers; jitter included. */
  readonly wakeAt: InstantMs | null;
}

type Answer = Pick<GateVerdict, 'kind' | 'reason' | 'rule' | 'until' | 'facts'>;

const PASS: Answer = { kind: 'pass', reason: null, rule: null, until: null, facts: {} };

interface FinalAnswers {
  readonly quiet: { readonly answer: Answer; readonly wakeAt: InstantMs | null };
  readonly caps: Answer;
}

/** Answers of quiet hours and caps by what they look at: most candidates of a decision share them. */
export type FinalMemo = Map<string, FinalAnswers>;

/**
 * Asks every gate that concerns one candidate, on the facts of `input` at `input.now`.
 *
 * @param memo filled here; for candidates of the same `input` only
 */
export function gateCandidate(input: DecisionInput, candidate: Candidate, memo: FinalMemo): CandidateGates {
  const { key } = candidate;
  const { quiet, caps } = askFinalGates(input, candidate, memo);
  return {
    candidate,
    identity: { gate: 'identity', candidate: key, ...askIdentity(candidate) },
    suppression: { gate: 'suppression', candidate: key, ...askSuppression(input, candidate) },
    consent: { gate: 'consent', candidate: key, ...askConsent(input, candidate) },
    eligibility: { gate: 'next_best_action', candidate: key, ...askEligibility(input, candidate) },
    quietHours: { gate: 'quiet_hours', candidate: key, ...quiet.answer },
    caps: { gate: 'caps', candidate: key, ...caps },
    wakeAt: quiet.wakeAt ?? caps.until,
  };
}

function askFinalGates(input: DecisionInput, candidate: Candidate, memo: FinalMemo): FinalAnswers {
  const { channel, purpose, legalBasis, tags, group } = candidate;
  const seenBy = JSON.stringify([channel, purpose, legalBasis, tags, group]);
  const known = memo.get(seenBy);
  if (known !== undefined) return known;
  const answers = { quiet: askQuietHours(input, candidate), caps: askCaps(input, candidate) };
  memo.set(seenBy, answers);
  return answers;
}

function refuse(reason: ReasonCode, facts: Answer['facts'] = {}, until: InstantMs | null = null): Answer {
  return { kind: 'refuse', reason, rule: null, until, facts };
}

function askIdentity({ isActive, template, templateVersion, renderFault, addressHash, channel }: Candidate): Answer {
  if (!isActive) return refuse('ACTION_INACTIVE');
  if (templateVersion === null) return refuse('TEMPLATE_MISSING', { template });
  if (addressHash === null) return refuse('ADDRESS_MISSING', { channel });
  if (renderFault !== null) return refuse('RENDER_FAILED', { template, templateVersion, fault: renderFault });
  return { ...PASS, facts: { template, templateVersion } };
}

function askSuppression(input: DecisionInput, { addressHash, channel, legalBasis }: Candidate): Answer {
  const { suppressions, now } = input;
  const answer = gateSuppression({ suppressions, addressHash, channel, legalBasis, now });
  if (answer.kind === 'pass') return PASS;
  return refuse(answer.reason, { channel, suppressionId: answer.suppressionId }, answer.until);
}

function askConsent(input: DecisionInput, { purpose, channel, brand, legalBasis }: Candidate): Answer {
  const { consents, now } = input;
  const answer = gateConsent({ consents, purpose, channel, brand, legalBasis, now });
  const facts = { purpose, channel, brand, recordId: answer.recordId };
  if (answer.kind === 'pass') return { ...PASS, facts: { ...facts, basis: answer.basis } };
  return refuse(answer.reason, facts, answer.until);
}

function askEligibility(input: DecisionInput, { eligibility }: Candidate): Answer {
  if (eligibility === null) return PASS;
  const { attributes } = input.user;
  return evaluateCondition({ condition: eligibility, attributes }) ? PASS : refuse('NOT_ELIGIBLE');
}

function askQuietHours(
  input: DecisionInput,
  { channel, legalBasis }: Candidate,
): { readonly answer: Answer; readonly wakeAt: InstantMs | null } {
  const { id: userId, zones } = input.user;
  const answer = gateQuietHours({ rules: input.quietRules, zones, channel, legalBasis, userId, now: input.now });
  if (answer.kind === 'pass') return { answer: PASS, wakeAt: null };
  const rule = `${answer.rule.id}@${answer.rule.version}`;
  const { kind, reason, zone } = answer;
  if (kind === 'refuse') return { answer: { kind, reason, rule, until: null, facts: { zone } }, wakeAt: null };
  const { opening, jitterMs } = answer;
  return { answer: { kind, reason, rule, until: opening, facts: { zone, jitterMs } }, wakeAt: opening + jitterMs };
}

function askCaps(input: DecisionInput, { channel, purpose, legalBasis, tags, group }: Candidate): Answer {
  const { capRules: rules, contacts, now, run } = input;
  const { zones } = input.user;
  const journeyKey = run?.journeyKey ?? null;
  const answer = gateCaps({ rules, contacts, zones, channel, purpose, legalBasis, tags, group, journeyKey, now });
  if (answer.kind === 'pass') return { ...PASS, facts: { rulesAsked: answer.rulesAsked } };
  const { kind, reason, rule, count, decisionId, until } = answer;
  const facts = { window: windowText(rule), limit: rule.limit, count, decisionId };
  return { kind, reason, rule: `${rule.id}@${rule.version}`, until, facts };
}

function windowText({ window }: CapRule): string {
  return window.kind === 'calendar' ? `calendar ${window.unit}` : spanText(window.durationMs);
}
