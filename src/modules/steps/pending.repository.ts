import { Injectable } from '@nestjs/common';
import type { Candidate } from '../../core/decisions/types.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { Transaction } from '../../platform/database/database.js';
import type { StepQuestion } from './steps.repository.js';

/** A message that waits for an opening, as other runs of the user weigh it. */
export interface PendingCandidate {
  readonly question: StepQuestion;
  readonly userId: string;
  readonly clockDomain: string;
  readonly candidate: Candidate;
  readonly opening: InstantMs;
  /** From here on its place is free for others. */
  readonly passesOnAt: InstantMs;
  readonly decisionId: string;
}

/** The only writer of pending_candidates: one row for each run that was put off by quiet hours or a cap. */
@Injectable()
export class PendingRepository {
  /** The user must be locked, here and below. */
  async keep(transaction: Transaction, pending: PendingCandidate): Promise<void> {
    const { question } = pending;
    await transaction.query({
      name: 'pending_keep',
      text: `insert into pending_candidates (run_key, step_id, visit, user_id, clock_domain, candidate, opening_at,
          passes_on_at, decision_id)
        values ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), to_timestamp($8::float8 / 1000), $9)
        on conflict (run_key) do update set step_id = excluded.step_id, visit = excluded.visit,
          candidate = excluded.candidate, opening_at = excluded.opening_at, passes_on_at = excluded.passes_on_at,
          decision_id = excluded.decision_id, beaten_by = null, created_at = clock_timestamp()`,
      values: [
        question.runKey,
        question.stepId,
        question.visit,
        pending.userId,
        pending.clockDomain,
        JSON.stringify(pending.candidate),
        pending.opening,
        pending.passesOnAt,
        pending.decisionId,
      ],
    });
  }

  /** The run waits for no opening any more. */
  async drop(transaction: Transaction, runKey: string): Promise<void> {
    await transaction.query({
      name: 'pending_drop',
      text: 'delete from pending_candidates where run_key = $1',
      values: [runKey],
    });
  }

  /** The run's message goes out: those who waited for the same opening are told who took the place. */
  async win(
    transaction: Transaction,
    winner: {
      readonly runKey: string;
      readonly userId: string;
      readonly clockDomain: string;
      readonly decisionId: string;
      readonly now: InstantMs;
    },
  ): Promise<void> {
    await transaction.query({
      name: 'pending_win',
      text: `with own as (delete from pending_candidates where run_key = $1 returning run_key)
        update pending_candidates pending set beaten_by = $4
        where pending.user_id = $2 and pending.clock_domain = $3 and pending.run_key <> $1
          and pending.opening_at <= to_timestamp($5::float8 / 1000) and exists (select from own)`,
      values: [winner.runKey, winner.userId, winner.clockDomain, winner.decisionId, winner.now],
    });
  }
}
