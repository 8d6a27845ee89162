import { Inject, Injectable } from '@nestjs/common';
import { Client, WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import { JOURNEY_WORKFLOW, RUN_STATE_QUERY, SEARCH_ATTRIBUTES } from '../../../../workflows/messages.js';
import type { Move } from '../../../core/journeys/path.js';
import type { ListenedEvent } from '../../../core/journeys/plan.js';
import type { RunProgress, RunSnapshot } from '../../../core/journeys/progress.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Clock } from '../../../platform/clock/clock.js';
import { TASK_QUEUE, workflowIdOf } from './run-gateway.js';

/** A run that no worker holds is replayed to answer: longer than its whole history takes. */
const ANSWER_MS_MAX = 10_000;
/** A run visits 1,000 steps at most, of a few events each. */
const EXECUTIONS_MAX = 50;
const STRANGERS_A_PAGE = 200;
const ID_PREFIX = workflowIdOf('');

/** What Temporal knows of a run, all its executions together. */
export type RunExecution =
  | { readonly kind: 'gone' }
  | ({ readonly kind: 'running'; readonly listensTo: readonly ListenedEvent[] } & RunTold)
  | ({ readonly kind: 'closed'; readonly end: RunSnapshot['end']; readonly closedAt: InstantMs } & RunTold);

interface RunTold {
  readonly progress: RunProgress | null;
  /** In order. */
  readonly moves: readonly Move[];
  /** False when older executions of the run are gone, and the first moves with them. */
  readonly isWhole: boolean;
}

/** Asks Temporal how runs stand: for the reconcile job alone, since it makes workers replay. */
@Injectable()
export class RunExecutions {
  constructor(
    private readonly client: Client,
    private readonly clock: Clock,
    @Inject(TASK_QUEUE) private readonly taskQueue: string,
  ) {}

  /** @throws Error when the server, or no worker, answers */
  async find(runKey: string): Promise<RunExecution> {
    const workflowId = workflowIdOf(runKey);
    try {
      const { runId, status, closeTime, raw } = await this.ask(() =>
        this.client.workflow.getHandle(workflowId).describe(),
      );
      const isOnly = raw.workflowExecutionInfo?.firstRunId === runId;
      const told = await this.tell(workflowId, runId, isOnly);
      if (status.name === 'RUNNING') return { kind: 'running', ...told };
      return { kind: 'closed', closedAt: closeTime?.getTime() ?? this.clock.now(), ...told };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { kind: 'gone' };
      throw error;
    }
  }

  /** Keys of running journeys, one page of them; `next` is null on the last page. */
  async listRunning(
    journey: string | null,
    after: string | null,
  ): Promise<{ readonly runKeys: readonly string[]; readonly next: string | null }> {
    const ofJourney = journey === null ? '' : ` and ${SEARCH_ATTRIBUTES.journeyKey} = '${journey}'`;
    const query =
      `WorkflowType = '${JOURNEY_WORKFLOW}' and TaskQueue = '${this.taskQueue}' ` +
      `and ExecutionStatus = 'Running'${ofJourney}`;
    const { executions, nextPageToken } = await this.ask(() =>
      this.client.workflowService.listWorkflowExecutions({
        namespace: this.client.options.namespace,
        pageSize: STRANGERS_A_PAGE,
        nextPageToken: after === null ? null : Buffer.from(after, 'base64'),
        query,
      }),
    );
    const ids = executions.flatMap(({ execution }) => execution?.workflowId ?? []);
    const next = Buffer.from(nextPageToken).toString('base64');
    return {
      runKeys: ids.filter((id) => id.startsWith(ID_PREFIX)).map((id) => id.slice(ID_PREFIX.length)),
      next: next === '' ? null : next,
    };
  }

  /** The newest execution knows where the run stands, and each the steps that it came to itself. */
  private async tell(
    workflowId: string,
    lastRunId: string,
    isOnly: boolean,
  ): Promise<RunTold & Pick<RunSnapshot, 'end' | 'listensTo'>> {
    const last = await this.query(this.client.workflow.getHandle(workflowId, lastRunId));
    const moves = new Map(last.moves.map((move) => [move.seq, move]));
    let { progress } = last;
    let runId = isOnly ? null : await this.before(workflowId, lastRunId);
    for (let executions = 1; runId !== null && executions < EXECUTIONS_MAX; executions += 1) {
      const snapshot = await this.queryIfThere(workflowId, runId);
      if (snapshot === null) break;
      progress ??= snapshot.progress;
      for (const move of snapshot.moves) moves.set(move.seq, join(move, moves.get(move.seq)));
      runId = await this.before(workflowId, runId);
    }
    const inOrder = [...moves.values()].sort((a, b) => a.seq - b.seq);
    return { progress, end: last.end, listensTo: last.listensTo, moves: inOrder, isWhole: runId === null };
  }

  private query(handle: WorkflowHandle): Promise<RunSnapshot> {
    return this.ask(() => handle.query<RunSnapshot, []>(RUN_STATE_QUERY));
  }

  private async queryIfThere(workflowId: string, runId: string): Promise<RunSnapshot | null> {
    try {
      return await this.query(this.client.workflow.getHandle(workflowId, runId));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  /** The execution that this one continues; null for the first. */
  private async before(workflowId: string, runId: string): Promise<string | null> {
    const { history } = await this.ask(() =>
      this.client.workflowService.getWorkflowExecutionHistory({
        namespace: this.client.options.namespace,
        execution: { workflowId, runId },
        maximumPageSize: 1,
      }),
    );
    const [started] = history?.events ?? [];
    return started?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || null;
  }

  private ask<T>(question: () => Promise<T>): Promise<T> {
    return this.client.withDeadline(this.clock.now() + ANSWER_MS_MAX, question);
  }
}

/** A move that an execution found open and closed keeps the decision that the execution before knows. */
const join = (earlier: Move, later: Move | undefined): Move =>
  later === undefined ? earlier : { ...later, decisionId: later.decisionId ?? earlier.decisionId };
