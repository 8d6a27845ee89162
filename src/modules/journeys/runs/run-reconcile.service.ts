import { ConflictException, Inject, Injectable, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import { RECONCILE_WORKFLOW } from '../../../../workflows/messages.js';
import type { ReconcileInput } from '../../../core/journeys/reconciling.js';
import { Clock } from '../../../platform/clock/clock.js';
import { violatedUnique } from '../../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../../platform/http/paging.js';
import { newId } from '../../../platform/random/ids.js';
import { TASK_QUEUE } from './run-gateway.js';
import { toReconcileView, type ReconcileView } from './run-reconcile.dto.js';
import { RunReconciles, type ReconcileRow } from './run-reconcile.repository.js';

const CALL_MS_MAX = 5_000;
/** After triggered work: whoever waits for a repair is not a person who waits for a message. */
const REPAIR_PRIORITY = 5;

const workflowIdOfJob = (id: string): string => `reconcile-runs:${id}`;

/** Reconcile jobs as operators see and steer them. The work itself is a workflow, and survives every process. */
@Injectable()
export class RunReconcileService {
  constructor(
    private readonly reconciles: RunReconciles,
    private readonly client: Client,
    private readonly clock: Clock,
    @Inject(TASK_QUEUE) private readonly taskQueue: string,
  ) {}

  /** @throws ConflictException RECONCILE_RUNNING; ServiceUnavailableException TEMPORAL_SILENT when it cannot be started */
  async start(journey: string | null, principal: string): Promise<ReconcileView> {
    await this.closeAbandoned();
    const id = newId();
    try {
      await this.reconciles.begin({ id, journey, principal });
    } catch (error) {
      if (violatedUnique(error) !== 'run_reconciles_one') throw error;
      throw new ConflictException({ code: 'RECONCILE_RUNNING', detail: 'another reconcile job is under way' });
    }
    const input: ReconcileInput = { jobId: id, journey };
    try {
      await this.ask(() =>
        this.client.workflow.start(RECONCILE_WORKFLOW, {
          taskQueue: this.taskQueue,
          workflowId: workflowIdOfJob(id),
          priority: { priorityKey: REPAIR_PRIORITY },
          staticSummary: journey === null ? 'all runs' : `runs of ${journey}`,
          args: [input],
        }),
      );
    } catch (error) {
      await this.reconciles.finish(id, 'failed');
      const detail = 'the job could not be started: Temporal does not answer';
      throw new ServiceUnavailableException({ code: 'TEMPORAL_SILENT', detail }, { cause: error });
    }
    return this.find(id);
  }

  async find(id: string): Promise<ReconcileView> {
    return toReconcileView(await this.get(id));
  }

  async list(page: PageRequest): Promise<Page<ReconcileView>> {
    const rows = await this.reconciles.list({ ...page, limit: page.limit + 1 });
    return toPage(rows, page, (row) => row.id, toReconcileView);
  }

  /**
   * What was put right stays so.
   *
   * @throws ConflictException RECONCILE_OVER
   */
  async cancel(id: string, principal: string): Promise<void> {
    const job = await this.get(id);
    if (job.state !== 'running') {
      throw new ConflictException({ code: 'RECONCILE_OVER', detail: 'the job is over already' });
    }
    await this.reconciles.cancel(id, principal);
    try {
      await this.ask(() => this.client.workflow.getHandle(workflowIdOfJob(id)).cancel());
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      await this.reconciles.finish(id, 'failed');
    }
  }

  /** A job whose start never arrived, or that was terminated, must not be in the way for ever. */
  private async closeAbandoned(): Promise<void> {
    const job = await this.reconciles.findRunning();
    if (job === null || this.clock.now() - job.createdAt < 2 * CALL_MS_MAX) return;
    try {
      const handle = this.client.workflow.getHandle(workflowIdOfJob(job.id));
      const { status } = await this.ask(() => handle.describe());
      if (status.name === 'RUNNING') return;
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    await this.reconciles.finish(job.id, 'failed');
  }

  private async get(id: string): Promise<ReconcileRow> {
    const job = await this.reconciles.find(id);
    if (job === null) throw new NotFoundException({ code: 'RECONCILE_UNKNOWN', detail: 'there is no such job' });
    return job;
  }

  private ask<T>(question: () => Promise<T>): Promise<T> {
    return this.client.withDeadline(this.clock.now() + CALL_MS_MAX, question);
  }
}
