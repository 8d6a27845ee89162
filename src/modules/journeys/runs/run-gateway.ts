import { Inject, Injectable } from '@nestjs/common';
import {
  Client,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import { JOURNEY_WORKFLOW, SEARCH_ATTRIBUTES, type JourneyInput } from '../../../../workflows/messages.js';
import { Clock } from '../../../platform/clock/clock.js';
import { VirtualTimeClient } from '../../../platform/temporal/virtual-time.client.js';
import type { RunStart } from '../outbox/outbox.repository.js';

/** Triggered work goes before bulk work and after transactional messages. */
const TRIGGERED_PRIORITY = 3;
const BULK_PRIORITY = 5;
/** Every call ends in this time, so that whoever waits for it can go on. */
const CALL_MS_MAX = 5_000;
const UPDATE_MS_MAX = 10_000;

/** Where the workers of this installation look for work. */
export const TASK_QUEUE = Symbol('TASK_QUEUE');

export type CommandOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'not_running' }
  /** No worker answered in time. */
  | { readonly kind: 'silent' };

export const workflowIdOf = (runKey: string): string => `journey:${runKey}`;

/** Everything that the API says to Temporal about one run. */
@Injectable()
export class RunGateway {
  constructor(
    private readonly client: Client,
    private readonly virtual: VirtualTimeClient,
    private readonly clock: Clock,
    @Inject(TASK_QUEUE) private readonly taskQueue: string,
  ) {}

  /** Starts the workflow of an entry; a second start of the same entry changes nothing. */
  async start(run: RunStart): Promise<void> {
    const client = run.clockDomain === 'real' ? this.client : this.virtual.client;
    const input: JourneyInput = {
      run: { runKey: run.runKey, userId: run.userId, journeyKey: run.journeyKey, journeyVersion: run.version },
      plan: run.plan,
      clockDomain: run.clockDomain,
      enteredAt: run.enteredAt,
      isPaused: run.isPaused,
    };
    try {
      const start = {
        taskQueue: this.taskQueue,
        workflowId: workflowIdOf(run.runKey),
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        priority: { priorityKey: run.isBulk ? BULK_PRIORITY : TRIGGERED_PRIORITY },
        typedSearchAttributes: searchAttributesOf(run),
        staticSummary: `${run.journeyKey} version ${run.version}`,
        args: [input],
      } satisfies WorkflowStartOptions;
      await client.withDeadline(this.clock.now() + CALL_MS_MAX, () => client.workflow.start(JOURNEY_WORKFLOW, start));
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  /** @returns false when Temporal knows no running workflow of this run */
  async signal(runKey: string, signal: string, argument: unknown): Promise<boolean> {
    try {
      const handle = this.client.workflow.getHandle(workflowIdOf(runKey));
      await this.client.withDeadline(this.clock.now() + CALL_MS_MAX, () => handle.signal(signal, argument));
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  /**
   * Sends an operator's command and waits for the run's own answer.
   */
  async command(runKey: string, update: string, argument?: object): Promise<CommandOutcome> {
    const handle = this.client.workflow.getHandle(workflowIdOf(runKey));
    try {
      await this.client.withDeadline(this.clock.now() + UPDATE_MS_MAX, () =>
        handle.executeUpdate(update, { args: [argument ?? {}] }),
      );
      return { kind: 'done' };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { kind: 'not_running' };
      if (error instanceof WorkflowUpdateFailedError) {
        return { kind: 'refused', detail: error.cause?.message ?? error.message };
      }
      const isSilence = error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || error instanceof ServiceError;
      if (isSilence) return { kind: 'silent' };
      throw error;
    }
  }
}

const KEYWORD = SearchAttributeType.KEYWORD;
const KEYS = {
  journeyKey: defineSearchAttributeKey(SEARCH_ATTRIBUTES.journeyKey, KEYWORD),
  journeyVersion: defineSearchAttributeKey(SEARCH_ATTRIBUTES.journeyVersion, SearchAttributeType.INT),
  userKey: defineSearchAttributeKey(SEARCH_ATTRIBUTES.userKey, KEYWORD),
  runState: defineSearchAttributeKey(SEARCH_ATTRIBUTES.runState, KEYWORD),
};

/** The user's key is our own id, which says nothing about the person outside our database. */
const searchAttributesOf = (run: RunStart): SearchAttributePair[] => [
  { key: KEYS.journeyKey, value: run.journeyKey },
  { key: KEYS.journeyVersion, value: run.version },
  { key: KEYS.userKey, value: run.userId },
  { key: KEYS.runState, value: 'running' },
];
