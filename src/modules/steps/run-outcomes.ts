import type { RunQuestion } from '../../core/audiences/run-condition.js';
import type { StepOutcome } from './run-questions.repository.js';

type Is = Extract<RunQuestion, { kind: 'outcome' }>['is'];

/**
 * Whether a step came to this outcome. `sent` stays true whatever is heard of the message later; a complaint is about
 * something that was delivered, and who followed a link has opened the message. A visit that was put off to its very end counts as skipped. Of a step that contacts
 * nobody, done is `sent` and what could not be done is `skipped`.
 */
export function isOutcome(outcome: Omit<StepOutcome, 'stepId'>, is: Is): boolean {
  const { answer, deliveryState, isDone } = outcome;
  switch (is) {
    case 'sent':
      return isDone === true || isTaken(deliveryState);
    case 'skipped':
      return isDone === false || ((answer === 'skip' || answer === 'defer') && !isTaken(deliveryState));
    case 'nothing':
      return answer === 'do_nothing';
    case 'unknown':
      return deliveryState === 'unknown';
    case 'delivered':
      return deliveryState === 'delivered' || deliveryState === 'complained';
    case 'opened':
      return outcome.isOpened === true || outcome.isClicked === true;
    case 'clicked':
      return outcome.isClicked === true;
    case 'bounced':
    case 'complained':
      return deliveryState === is;
  }
}

/** The provider took the message. */
const isTaken = (state: StepOutcome['deliveryState']): boolean =>
  state === 'sent' || state === 'delivered' || state === 'bounced' || state === 'complained';
