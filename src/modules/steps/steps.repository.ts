import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { StepAnswer } from '../../core/journeys/step-answer.js';
import type { DeliveryState } from '../../core/delivery/delivery-state.js';
import { Database, type Transaction } from '../../platform/database/database.js';

/** One question of one run: the n-th ask of the n-th visit of a step. */
export interface StepQuestion {
  readonly runKey: string;
  readonly stepId: string;
  readonly visit: number;
  readonly ask: number;
}

export interface KnownStep {
  /** The answer, if this very question was answered before. */
  readonly answer: StepAnswer | null;
  /** The delivery of this visit, whichever ask claimed it. */
  readonly deliveryId: string | null;
}

/** The only writer of step_answers: what makes a repeated question get its first answer. */
@Injectable()
export class StepsRepository {
  constructor(private readonly database: Database) {}

  async known(question: StepQuestion, idempotencyKey: string): Promise<KnownStep> {
    const [row] = await this.database.query<KnownStep>({
      name: 'steps_known',
      text: `select
          (select answer from step_answers where run_key = $1 and step_id = $2 and visit = $3 and ask = $4) as answer,
          (select id from deliveries where idempotency_key = $5) as "deliveryId"`,
      values: [question.runKey, question.stepId, question.visit, question.ask, idempotencyKey],
    });
    return row ?? { answer: null, deliveryId: null };
  }

  /**
   * Whether somebody else has answered the question, or has taken the contact of its visit, since `known` was asked.
   * Ask under the user's lock: whoever did it held that lock.
   *
   * @param claimable states of the delivery in which the contact is anybody's
   */
  async isTaken(
    transaction: Transaction,
    question: StepQuestion,
    idempotencyKey: string,
    claimable: readonly DeliveryState[],
  ): Promise<boolean> {
    const [row] = await transaction.query<{ isTaken: boolean }>({
      name: 'steps_is_taken',
      text: `select
          exists (select from step_answers
            where run_key = $1 and step_id = $2 and visit = $3 and ask = $4 and answer is not null)
          or exists (select from deliveries where idempotency_key = $5 and state <> all ($6)) as "isTaken"`,
      values: [question.runKey, question.stepId, question.visit, question.ask, idempotencyKey, claimable],
    });
    return row?.isTaken ?? false;
  }

  /** Writes the question with its decision; a question whose first attempt was given back is written anew. */
  async insert(
    transaction: Transaction,
    question: StepQuestion,
    decided: { decisionId: string; deliveryId: string | null; answer: StepAnswer | null; askedAt: InstantMs },
  ): Promise<void> {
    await transaction.query({
      name: 'steps_insert',
      text: `insert into step_answers (run_key, step_id, visit, ask, decision_id, delivery_id, answer, asked_at)
        values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::float8 / 1000))
        on conflict (run_key, step_id, visit, ask) do update set decision_id = excluded.decision_id,
          delivery_id = excluded.delivery_id, answer = excluded.answer
        where step_answers.answer is null`,
      values: [
        question.runKey,
        question.stepId,
        question.visit,
        question.ask,
        decided.decisionId,
        decided.deliveryId,
        decided.answer === null ? null : JSON.stringify(decided.answer),
        decided.askedAt,
      ],
    });
  }

  /**
   * Answers what the runs asked that were refused by a provider, and have not noted it yet, so that a replay of the
   * message is no answer to them.
   */
  async answerRefused(transaction: Transaction, deliveryIds: readonly string[]): Promise<void> {
    await transaction.query({
      name: 'steps_answer_refused',
      text: `update step_answers asked set answer = jsonb_build_object('kind', 'skip', 'decisionId', asked.decision_id,
          'reason', 'PROVIDER_REJECTED')
        from deliveries delivery
        where delivery.id = any ($1) and asked.run_key = delivery.run_key and asked.step_id = delivery.step_id
          and asked.visit = delivery.visit and asked.delivery_id = delivery.id and asked.answer is null`,
      values: [deliveryIds],
    });
  }

  /** Stores the answer unless one is there, and returns the one that holds. */
  async answer(question: StepQuestion, answer: StepAnswer): Promise<StepAnswer> {
    const [row] = await this.database.query<{ answer: StepAnswer }>({
      name: 'steps_answer',
      text: `update step_answers set answer = coalesce(answer, $5::jsonb)
        where run_key = $1 and step_id = $2 and visit = $3 and ask = $4 returning answer`,
      values: [question.runKey, question.stepId, question.visit, question.ask, JSON.stringify(answer)],
    });
    return row?.answer ?? answer;
  }
}
