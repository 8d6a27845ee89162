import { canonicalJson } from '../kernel/canonical-json.js';
import { testCondition } from './evaluate-condition.js';
import { isRunQuestion, leavesOf } from './leaves.js';
import type { RunCondition, RunQuestion } from './run-condition.js';

/**
 * Whether one user, in one run, meets a condition. Tests of attributes are those of `evaluateCondition`, with the same
 * limits; whatever goes beyond the profile is asked of `answer`.
 *
 * @param input.answer must know each of `questionsIn(condition)`; a doubt is to be answered with false
 * @throws AssertionError if the tree is larger than `isWithinLimits` allows
 * @example evaluateRunCondition({ condition, attributes, answer: (question) => answers.get(questionKey(question)) === true })
 */
export function evaluateRunCondition(input: {
  readonly condition: RunCondition;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly answer: (question: RunQuestion) => boolean;
}): boolean {
  return testCondition<RunCondition>(input.condition, input.attributes, input.answer);
}

/** What must be known besides the attributes before the conditions can be tested, each question once. */
export function questionsIn(...conditions: readonly RunCondition[]): readonly RunQuestion[] {
  return [
    ...new Map(
      conditions
        .flatMap((condition) => leavesOf(condition))
        .filter(isRunQuestion)
        .map((question) => [questionKey(question), question]),
    ).values(),
  ];
}

/** Equal for questions that ask the same, whatever order their fields stand in. */
export const questionKey = (question: RunQuestion): string => canonicalJson(question);
