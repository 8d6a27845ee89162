import { Injectable, Logger } from '@nestjs/common';
import { SECOND_MS } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';
import { RefusedRepository } from '../deliveries/index.js';
import {
  AttemptAliveError,
  ContendedError,
  ReplayOverError,
  StepsService,
  type RunStepRequest,
} from '../steps/index.js';
import { toReplayOutcome, type ReplayCode, type ReplayState } from './replay-outcome.js';
import { ReplaysRepository, type DueReplay } from './replays.repository.js';

/** All that is taken is asked at once: no lease runs out in a queue. The runs of the same worker send beside it. */
const AT_ONCE = 4;
const CONTENDED_MS = 2 * SECOND_MS;
const FAILED_MS = 30 * SECOND_MS;

/**
 * Sends messages that a provider refused after all, where an operator wants it: asks the step of the run once more, under
 * a question of its own, through all gates, and for the same delivery. See docs/decisions/0031-a-replay-is-a-question.md.
 */
@Injectable()
export class Replayer {
  private readonly logger = new Logger(Replayer.name);

  constructor(
    private readonly database: Database,
    private readonly replays: ReplaysRepository,
    private readonly refused: RefusedRepository,
    private readonly steps: StepsService,
  ) {}

  /** Asks the next few that are due, once. @returns how many it were */
  async round(): Promise<number> {
    const due = await this.replays.lease(AT_ONCE);
    await Promise.all(due.map((one) => this.replaySafely(one)));
    return due.length;
  }

  /** One that fails must not keep the others from being asked. */
  private async replaySafely(due: DueReplay): Promise<void> {
    try {
      await this.replay(due);
    } catch (error) {
      this.logger.warn(`delivery ${due.deliveryId} could not be replayed; it is tried again`, { error });
      await this.replays.repeat(due, FAILED_MS).catch(() => undefined);
    }
  }

  private async replay(due: DueReplay): Promise<void> {
    if (!due.isClaimed) {
      const end = endBeforeAsking(due);
      if (end !== null) return this.end(due, end);
    }
    const request = this.requestOf(due);
    if (request === null) return this.end(due, { state: 'refused', code: 'DEAD_LETTER_STEP_GONE' });
    try {
      await this.conclude(due, toReplayOutcome(await this.steps.run(request), due.now));
    } catch (error) {
      if (error instanceof AttemptAliveError) return this.replays.repeat(due, error.retryAfterMs);
      if (error instanceof ContendedError) return this.replays.repeat(due, CONTENDED_MS);
      // Where it was called off, or is in other hands by now, this writes nothing.
      if (error instanceof ReplayOverError) return this.end(due, { state: 'refused', code: await this.whyOver(due) });
      throw error;
    }
  }

  private async whyOver({ deliveryId }: DueReplay): Promise<ReplayCode> {
    return (await this.refused.isRepeated(deliveryId)) ? 'DEAD_LETTER_REPEATED' : 'DEAD_LETTER_TAKEN';
  }

  private requestOf(due: DueReplay): RunStepRequest | null {
    const { journeyKey, journeyVersion, runKey, userId, visit, ask, deliveryId, failedAttempt } = due;
    const step = due.step === null ? null : stepWithOnly(due.step, due.action);
    if (journeyKey === null || journeyVersion === null || step === null) return null;
    return {
      run: { runKey, userId, journeyKey, journeyVersion },
      step,
      visit,
      ask,
      clock: { kind: 'real' },
      replay: {
        failedAttempt,
        giveBack: async (transaction) =>
          (await this.replays.claim(transaction, due)) &&
          this.refused.release(transaction, { deliveryId, attempt: failedAttempt }),
      },
    };
  }

  private async conclude(due: DueReplay, outcome: ReturnType<typeof toReplayOutcome>): Promise<void> {
    if (outcome.kind === 'over') return this.end(due, outcome);
    await this.database.transaction(async (transaction) => {
      const ours = await this.replays.putOff(transaction, due, outcome);
      if (ours !== null && !outcome.isClaimed) await this.refused.failAgain(transaction, due.deliveryId, ours.former);
    });
  }

  private async end(
    due: DueReplay,
    { state, code, decisionId = null }: { state: ReplayState; code: ReplayCode | null; decisionId?: string | null },
  ): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const ours = await this.replays.end(transaction, due, { state, code, decisionId });
      if (ours !== null) await this.refused.failAgain(transaction, due.deliveryId, ours.former);
    });
  }
}

/** The same message or none: what else the step could choose is no replay. Null where it does not send it any more. */
function stepWithOnly(step: RunStepRequest['step'], action: string): RunStepRequest['step'] | null {
  if (step.kind === 'decide') return { ...step, actions: [action] };
  if (step.channel !== 'best') return step;
  const { choices, ...rest } = step;
  const choice = choices.find(({ template }) => template === action);
  return choice === undefined ? null : { ...rest, ...choice };
}

/** What ends a replay of which no attempt is under way, whatever its step would say. */
function endBeforeAsking({
  isExpired,
  isRepeated,
  deliveryState,
}: DueReplay): { readonly state: ReplayState; readonly code: ReplayCode | null } | null {
  if (deliveryState !== 'failed' && deliveryState !== 'released')
    return { state: 'refused', code: 'DEAD_LETTER_TAKEN' };
  if (isRepeated) return { state: 'refused', code: 'DEAD_LETTER_REPEATED' };
  return isExpired ? { state: 'expired', code: null } : null;
}
