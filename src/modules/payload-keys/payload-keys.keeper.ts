import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import { Clock } from '../../platform/clock/clock.js';
import { RunsRepository, workflowIdOf } from '../journeys/index.js';
import { PayloadKeysRepository } from './payload-keys.repository.js';
import { UserPayloadKeys } from './user-payload-keys.js';

const EVERY_MS = 30_000;
const USERS_A_ROUND = 50;
const CALL_MS_MAX = 5_000;
/** After the end of a run is recorded its workflow has a last task, for which it may be read once more. */
const SETTLED_SECONDS = 60;
/** Runs that have not ended a day after the erasure have no worker, or are broken. */
const PATIENCE_SECONDS = 24 * 60 * 60;

/**
 * Destroys the keys of users who are forgotten, once their runs have ended: what their histories hold is nobody's from
 * then on. What is still open a day later is terminated first. Every worker runs one; to do it twice does no harm.
 */
@Injectable()
export class PayloadKeysKeeper implements BeforeApplicationShutdown {
  private readonly logger = new Logger(PayloadKeysKeeper.name);
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly keys: PayloadKeysRepository,
    private readonly known: UserPayloadKeys,
    private readonly runs: RunsRepository,
    private readonly client: Client,
    private readonly clock: Clock,
  ) {}

  start(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.keep().finally(() => this.start()), EVERY_MS);
    this.timer.unref();
  }

  beforeApplicationShutdown(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** One round. @returns how many keys were destroyed */
  async keep(limits = { settledSeconds: SETTLED_SECONDS, patienceSeconds: PATIENCE_SECONDS }): Promise<number> {
    let destroyed = 0;
    try {
      for (const { userId, runKeys } of await this.keys.due(USERS_A_ROUND, limits)) {
        for (const runKey of runKeys) await this.giveUp(runKey);
        await this.keys.destroy(userId);
        this.known.forget(userId);
        destroyed += 1;
      }
    } catch (error) {
      this.logger.warn('keys of forgotten users could not be destroyed; the next round tries again', { error });
    }
    return destroyed;
  }

  /** Without its key a workflow can neither go on nor end. */
  private async giveUp(runKey: string): Promise<void> {
    const handle = this.client.workflow.getHandle(workflowIdOf(runKey));
    try {
      await this.client.withDeadline(this.clock.now() + CALL_MS_MAX, () => handle.terminate('the user is forgotten'));
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    await this.runs.finish({ runKey, outcome: 'exited', reason: 'user_erased', endedAt: null });
  }
}
