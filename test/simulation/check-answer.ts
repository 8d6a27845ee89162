import type { Violation } from './checkers.js';
import type { DecisionRow } from './model.js';
import { ownOpinion, type OwnAnswer, type OwnOpinion, type Weighed } from './oracle/answer.js';
import { count, type Scene } from './scene.js';

type Outcome = DecisionRow['decision']['outcome'];
type Broken = readonly [rule: string, text: string];

/**
 * Whether the answer is the one that the rules call for: what is sent is worth it and the best that may be sent, nobody
 * is left in silence without need, what stopped the best one has the consequence that its rule names, and only those
 * count as held out who would have been contacted.
 */
export function answerIsRight(scene: Scene): Violation | null {
  for (const row of scene.journal.decisions) {
    const opinion = ownOpinion(scene.store, row);
    count(scene, opinion === null ? 'answers in doubt' : 'answers looked at');
    const broken = opinion === null ? null : differenceIn(row.decision.outcome, opinion);
    if (opinion === null || broken === null) continue;
    const [rule, text] = broken;
    return {
      rule,
      text: `${row.id} ${textOf(row.decision.outcome)}, ${text} (${textOf(opinion.answer)})`,
      userId: row.userId,
    };
  }
  return null;
}

const textOf = (answer: OwnAnswer | Outcome): string =>
  Object.entries(answer)
    .map(([name, value]) => `${name} ${value}`)
    .join(' ');

function differenceIn(outcome: Outcome, { answer, field }: OwnOpinion): Broken | null {
  const isHeldOut = (one: Outcome | OwnAnswer): boolean => one.kind === 'do_nothing' && one.reason === 'HOLDOUT';
  if (isHeldOut(outcome) !== isHeldOut(answer)) {
    return ['exposure', isHeldOut(outcome) ? 'and would not have been contacted' : 'and belongs to those held out'];
  }
  if (outcome.kind === 'act') return differenceOfAct(outcome, answer, field);
  return answer.kind === 'act' ? needlessSilence(outcome, answer, field) : differenceOfSilence(outcome, answer);
}

function differenceOfAct(
  { action }: Extract<Outcome, { kind: 'act' }>,
  answer: OwnAnswer,
  field: readonly Weighed[],
): Broken | null {
  if (answer.kind === 'act') return answer.action === action ? null : ['worth', 'and another one was worth more'];
  const isWorthIt = field.some(({ thought }) => thought.candidate.key === action);
  return isWorthIt ? ['on_hit', 'in place of a better one'] : ['worth', 'and silence was worth as much'];
}

/** Something was open in every gate and better than silence. */
function needlessSilence(
  outcome: Exclude<Outcome, { kind: 'act' }>,
  { action }: Extract<OwnAnswer, { kind: 'act' }>,
  [best]: readonly Weighed[],
): Broken {
  // The best was refused for a reason of its own, and the next best was not asked.
  const isNextBest = best?.stop?.then === 'drop' && best.thought.candidate.key !== action;
  const isAboutBest = best?.stop?.reason === outcome.reason;
  return isNextBest && isAboutBest
    ? ['worth', 'and the next best was open']
    : ['needless_silence', 'and something was open'];
}

function differenceOfSilence(
  outcome: Exclude<Outcome, { kind: 'act' }>,
  answer: Exclude<OwnAnswer, { kind: 'act' }>,
): Broken | null {
  if (outcome.kind === 'do_nothing' && answer.kind === 'defer') {
    return ['needless_silence', 'and it could have waited'];
  }
  if (outcome.kind === 'defer') {
    const isSame = answer.kind === 'defer' && answer.action === outcome.action && answer.reason === outcome.reason;
    return isSame ? null : ['on_hit', 'and something else was to be done'];
  }
  if (answer.kind === 'defer') return null;
  const isPassedOver = outcome.isPassedOver === true;
  if (isPassedOver !== answer.isPassedOver) return ['on_hit', 'and its rule says otherwise of the step'];
  // Where none was weighed the reason is looked at by itself; nothing may then say that one was.
  const isSame = answer.reason === null ? outcome.reason !== 'BELOW_THRESHOLD' : answer.reason === outcome.reason;
  return isSame ? null : ['on_hit', 'and the best one was stopped by something else'];
}
