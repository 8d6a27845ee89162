import { Inject, Injectable } from '@nestjs/common';
import { Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { MIGRATE_RUNS_WORKFLOW, type MigrateRunsInput } from '../../../../workflows/messages.js';
import { Clock } from '../../../platform/clock/clock.js';
import { Rounds } from '../../../platform/concurrency/rounds.js';
import { TASK_QUEUE } from '../runs/run-gateway.js';
import { MigrationsRepository } from './migrations.repository.js';

const POLL_MS = 10_000;
const CALL_MS_MAX = 5_000;
/** Bulk work: after triggered work and messages. */
const BULK_PRIORITY = 5;

export const migrationWorkflowId = (id: string): string => `migration:${id}`;

/**
 * Starts the workflow of every migration that is to go on: at once, and again where a crash, or a Temporal server that
 * was away, came between. A second start of one that is alive changes nothing.
 */
@Injectable()
export class MigrationStarter extends Rounds {
  constructor(
    private readonly migrations: MigrationsRepository,
    private readonly client: Client,
    private readonly clock: Clock,
    @Inject(TASK_QUEUE) private readonly taskQueue: string,
  ) {
    super(POLL_MS, 'a migration could not be started');
  }

  protected async round(): Promise<void> {
    for (const { id, runsPerSecond } of await this.migrations.unattended()) {
      await this.startOne({ migration: id, runsPerSecond });
      await this.migrations.touch(id);
    }
  }

  private async startOne(input: MigrateRunsInput): Promise<void> {
    const options = {
      taskQueue: this.taskQueue,
      workflowId: migrationWorkflowId(input.migration),
      priority: { priorityKey: BULK_PRIORITY },
      args: [input],
    };
    try {
      await this.client.withDeadline(this.clock.now() + CALL_MS_MAX, () =>
        this.client.workflow.start(MIGRATE_RUNS_WORKFLOW, options),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }
}
