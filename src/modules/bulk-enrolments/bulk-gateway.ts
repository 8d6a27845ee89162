import { Inject, Injectable } from '@nestjs/common';
import {
  Client,
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { Clock } from '../../platform/clock/clock.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import {
  BULK_COMMAND_SIGNAL,
  BULK_COMMAND_UPDATE,
  BULK_ENROLMENT_WORKFLOW,
  type BulkCommand,
  type BulkEnrolmentInput,
} from '../../../workflows/messages.js';
import type { BulkState, Untold } from './bulk-enrolments.repository.js';

const CALL_MS_MAX = 5_000;
/** Behind triggered work and messages. */
const BULK_PRIORITY = 5;

const workflowIdOf = (id: string): string => `bulk-enrolment:${id}`;

/** Everything that is said to Temporal about enrolments of many. */
@Injectable()
export class BulkGateway {
  constructor(
    private readonly client: Client,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'temporal'>,
  ) {}

  /**
   * Starts the workflow of an enrolment, or tells the one that works what is wanted of it. One that was ended from
   * outside is started anew: it goes on where the row says.
   */
  async tell({ id, journeyKey, perSecond, state, commands }: Untold): Promise<void> {
    const input: BulkEnrolmentInput = { bulkId: id, perSecond };
    await this.client.withDeadline(this.clock.now() + CALL_MS_MAX, () =>
      this.client.workflow.signalWithStart(BULK_ENROLMENT_WORKFLOW, {
        taskQueue: this.config.temporal.taskQueue,
        workflowId: workflowIdOf(id),
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        priority: { priorityKey: BULK_PRIORITY },
        staticSummary: `enrols many in ${journeyKey}`,
        args: [input],
        signal: BULK_COMMAND_SIGNAL,
        signalArgs: [{ kind: commandOf(state), number: commands }],
      }),
    );
  }

  /** @returns false when nobody answered in time: it must be told again */
  async command(id: string, command: BulkCommand): Promise<boolean> {
    const handle = this.client.workflow.getHandle(workflowIdOf(id));
    try {
      await this.client.withDeadline(this.clock.now() + CALL_MS_MAX, () =>
        handle.executeUpdate(BULK_COMMAND_UPDATE, { args: [command] }),
      );
      return true;
    } catch (error) {
      // Refused: it is so already.
      if (error instanceof WorkflowUpdateFailedError) return true;
      const isSilence =
        error instanceof WorkflowNotFoundError ||
        error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
        error instanceof ServiceError;
      if (isSilence) return false;
      throw error;
    }
  }
}

function commandOf(state: BulkState): BulkCommand['kind'] {
  switch (state) {
    case 'paused':
      return 'pause';
    case 'receiving':
    case 'queued':
    case 'running':
      return 'resume';
    case 'done':
    case 'cancelled':
    case 'failed':
      return 'cancel';
  }
}
