import { evaluateCondition } from '../audiences/evaluate-condition.js';
import type { Condition } from '../audiences/condition.js';
import { gateConsent } from '../consent/gate-consent.js';
import { isObjecting } from '../consent/objection.js';
import { gateFatigue } from '../fatigue/gate-fatigue.js';
import { gatePauses } from '../fatigue/gate-pauses.js';
import type { ReasonCode } from '../kernel/reasons.js';
import { gateSuppression } from '../suppression/gate-suppression.js';
import { PASS, refuse, ruleText, type GateAnswer } from './gate-answer.js';
import { remembered, type Memo } from './memo.js';
import type { Candidate, DecisionInput, RunConflict } from './types.js';

/** The gates that a candidate must pass to be weighed at all. */
export interface NarrowingGates {
  readonly identity: GateAnswer;
  readonly suppression: GateAnswer;
  readonly consent: GateAnswer;
  readonly conflict: GateAnswer;
  /** Eligibility, applicability and suitability, in this order. */
  readonly conditions: GateAnswer;
  readonly pause: GateAnswer;
  readonly fatigue: GateAnswer;
  /** No score may be made of it, be it of worth or of fatigue. */
  readonly isUnscored: boolean;
}

/** The gates by the names of their answers. */
export type NarrowingAnswer = Exclude<keyof NarrowingGates, 'isUnscored'>;

/** Those that look at nothing but channel, purpose, brand, basis and address: most candidates share them. */
export type SharedAnswers = Pick<NarrowingGates, 'suppression' | 'consent' | 'conflict' | 'fatigue' | 'isUnscored'>;

/**
 * Asks them all, also after one that refused. Candidates that look alike to a gate share its answer through `memo`.
 *
 * Of a person who objects to direct marketing no marketing score is made (GDPR art. 21 (3)): what rests on consent and
 * lacks it is refused unscored, and its fatigue is not asked. What the person granted since, by purpose, channel and
 * brand, is weighed like everything else: a later grant lifts the objection for what it names.
 */
export function askNarrowingGates(
  input: DecisionInput,
  candidate: Candidate,
  memo: Memo<SharedAnswers>,
): NarrowingGates {
  const { channel, purpose, brand, legalBasis, addressHash } = candidate;
  const shared = remembered(memo, JSON.stringify([channel, purpose, brand, legalBasis, addressHash]), () => {
    const consent = askConsent(input, candidate);
    const isUnscored = consent.kind !== 'pass' && isObjecting(input);
    return {
      suppression: askSuppression(input, candidate),
      consent,
      conflict: askConflict(input, candidate),
      fatigue: isUnscored ? PASS : askFatigue(input, candidate),
      isUnscored,
    };
  });
  return {
    ...shared,
    identity: askIdentity(candidate),
    conditions: askConditions(input, candidate),
    pause: askPause(input, candidate),
  };
}

function askIdentity({
  isActive,
  template,
  templateVersion,
  renderFault,
  addressHash,
  channel,
}: Candidate): GateAnswer {
  if (!isActive) return refuse('ACTION_INACTIVE');
  if (templateVersion === null) return refuse('TEMPLATE_MISSING', { template });
  if (addressHash === null) return refuse('ADDRESS_MISSING', { channel });
  if (renderFault !== null) return refuse('RENDER_FAILED', { template, templateVersion, fault: renderFault });
  return PASS;
}

function askSuppression(input: DecisionInput, { addressHash, channel, purpose, legalBasis }: Candidate): GateAnswer {
  const { suppressions, now } = input;
  const answer = gateSuppression({ suppressions, addressHash, channel, purpose, legalBasis, now });
  if (answer.kind === 'pass') return PASS;
  return refuse(answer.reason, { channel, suppressionId: answer.suppressionId }, { until: answer.until });
}

function askConsent(input: DecisionInput, { purpose, channel, brand, legalBasis }: Candidate): GateAnswer {
  const { consents, now } = input;
  const answer = gateConsent({ consents, purpose, channel, brand, legalBasis, now });
  const facts = { purpose, channel, brand, recordId: answer.recordId };
  if (answer.kind === 'pass') return { ...PASS, facts: { ...facts, basis: answer.basis } };
  return refuse(answer.reason, facts, { until: answer.until });
}

/** Of the running runs of one conflict group only the foremost may speak; what rests on a contract is never held back. */
function askConflict({ run, otherRuns }: DecisionInput, { legalBasis }: Candidate): GateAnswer {
  if (run === null || run.conflict === null || legalBasis === 'contract') return PASS;
  const own = { ...run.conflict, runKey: run.runKey };
  const [foremost] = otherRuns
    .filter(({ group }) => group === own.group)
    .filter((other) => compareRank(other, own) < 0)
    .sort(compareRank);
  if (foremost === undefined) return { ...PASS, facts: { group: own.group, priority: own.priority } };
  return refuse('JOURNEY_CONFLICT', {
    group: own.group,
    priority: own.priority,
    otherJourney: foremost.journeyKey,
    otherRunKey: foremost.runKey,
    otherPriority: foremost.priority,
  });
}

type Ranked = RunConflict & { readonly runKey: string };

/** The higher priority first, then who entered first, then the smaller key. */
function compareRank(left: Ranked, right: Ranked): number {
  if (left.priority !== right.priority) return right.priority - left.priority;
  if (left.enteredAt !== right.enteredAt) return left.enteredAt - right.enteredAt;
  if (left.runKey === right.runKey) return 0;
  return left.runKey < right.runKey ? -1 : 1;
}

function askConditions({ user }: DecisionInput, candidate: Candidate): GateAnswer {
  const { attributes } = user;
  const asked: readonly [Condition | null, ReasonCode][] = [
    [candidate.eligibility, 'NOT_ELIGIBLE'],
    [candidate.applicability, 'NOT_APPLICABLE'],
    [candidate.suitability, 'NOT_SUITABLE'],
  ];
  const failed = asked.find(([condition]) => condition !== null && !evaluateCondition({ condition, attributes }));
  return failed === undefined ? PASS : refuse(failed[1]);
}

function askPause(input: DecisionInput, candidate: Candidate): GateAnswer {
  const { pauseRules: rules, outcomes, now } = input;
  if (rules.length === 0) return PASS;
  const { key: action, group, channel, purpose, legalBasis } = candidate;
  const answer = gatePauses({ rules, outcomes, action, group, channel, purpose, legalBasis, now });
  if (answer.kind === 'pass') return PASS;
  const { rule, count, until } = answer;
  const facts = { scope: rule.scope, outcomes: rule.outcomes.join(' '), count, limit: rule.count };
  return refuse('PAUSED_BY_RULE', facts, { rule: ruleText(rule), until });
}

function askFatigue(input: DecisionInput, { legalBasis }: Candidate): GateAnswer {
  const { fatigueModel: model, contacts, outcomes, now } = input;
  if (model === null) return PASS;
  const answer = gateFatigue({ model, contacts, outcomes, legalBasis, now });
  const facts = { score: answer.score, threshold: model.threshold };
  if (answer.kind === 'pass') return { ...PASS, rule: ruleText(model), facts };
  return refuse('FATIGUED', facts, { rule: ruleText(model), until: answer.until });
}
