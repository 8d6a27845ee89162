import { ConflictException, Injectable, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { EXIT_UPDATE, PAUSE_UPDATE, RESUME_UPDATE, type ExitUpdate } from '../../../../workflows/messages.js';
import { toPage, type Page, type PageRequest } from '../../../platform/http/paging.js';
import { EntriesRepository } from '../entry/entries.repository.js';
import { OutboxRepository } from '../outbox/outbox.repository.js';
import { toRunCountsView, type RunCountsView } from './run-filter.dto.js';
import { RunGateway } from './run-gateway.js';
import { RunSignals } from './run-signals.js';
import { toRunRejectView, type RunRejectView } from './run-rejects.dto.js';
import type { RunView } from './runs.dto.js';
import { toRunView } from './runs.mapper.js';
import { RunsRepository, type RunFilter, type RunRow } from './runs.repository.js';

const COUNTS_MAX = 1_000;

export type { RunFilter };

/** Runs as operators see and steer them. */
@Injectable()
export class RunsService {
  constructor(
    private readonly runs: RunsRepository,
    private readonly entries: EntriesRepository,
    private readonly gateway: RunGateway,
    private readonly outbox: OutboxRepository,
    private readonly signals: RunSignals,
  ) {}

  async list(query: RunFilter, page: PageRequest): Promise<Page<RunView>> {
    const rows = await this.runs.list(query, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toRunView);
  }

  async counts(query: RunFilter): Promise<RunCountsView> {
    return toRunCountsView(await this.runs.counts(query, COUNTS_MAX));
  }

  async find(id: string): Promise<RunView> {
    return toRunView(await this.get(id));
  }

  /** Events that the run has conditions on and that met none of them, newest first. */
  async rejects(id: string, page: PageRequest): Promise<Page<RunRejectView>> {
    const { runKey } = await this.get(id);
    const rows = await this.runs.rejects(runKey, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, (row) => row.id, toRunRejectView);
  }

  /**
   * No message goes out after this returns: claims refuse from the moment the row is written, and the workflow then
   * holds its timers until it is resumed.
   *
   * @throws ConflictException RUN_ENDED or COMMAND_REFUSED; ServiceUnavailableException when no worker answers
   */
  async pause(id: string, principal: string): Promise<RunView> {
    const run = await this.getRunning(id);
    const repeat = await this.entries.setPaused(run.runKey, true, principal);
    await this.command({ run, update: PAUSE_UPDATE, repeat });
    return this.find(id);
  }

  async resume(id: string, principal: string): Promise<RunView> {
    const run = await this.getRunning(id);
    const repeat = await this.entries.setPaused(run.runKey, false, principal);
    await this.command({ run, update: RESUME_UPDATE, repeat });
    return this.find(id);
  }

  /**
   * Ends a run cleanly. One that has not begun ends without a step, in a moment.
   *
   * @throws ConflictException RUN_ENDED or COMMAND_REFUSED; ServiceUnavailableException when no worker answers
   */
  async exit(id: string, reason: string, principal: string): Promise<RunView> {
    const run = await this.getRunning(id);
    const { repeat, isCarried } = await this.entries.requestExit(run.runKey, reason, principal);
    const argument: ExitUpdate = { reason };
    if (isCarried) this.signals.kick();
    else await this.command({ run, update: EXIT_UPDATE, argument, repeat });
    return this.find(id);
  }

  private async get(id: string): Promise<RunRow> {
    const run = await this.runs.find(id);
    if (run === null) throw new NotFoundException({ code: 'RUN_UNKNOWN', detail: 'there is no such run' });
    return run;
  }

  private async getRunning(id: string): Promise<RunRow> {
    const run = await this.get(id);
    if (run.endedAt !== null) throw new ConflictException({ code: 'RUN_ENDED', detail: 'the run has ended' });
    return run;
  }

  private async command(wish: {
    readonly run: RunRow;
    readonly update: string;
    readonly argument?: object;
    /** The message of the outbox that delivers the command if this call does not. */
    readonly repeat: string | null;
  }): Promise<void> {
    const { run, repeat } = wish;
    const outcome = await this.gateway.command(run.runKey, wish.update, wish.argument);
    switch (outcome.kind) {
      case 'done':
        if (repeat !== null) await this.outbox.remove(repeat);
        return;
      case 'refused':
        throw new ConflictException({ code: 'COMMAND_REFUSED', detail: outcome.detail });
      case 'silent': {
        const detail = 'no worker answers; no message goes out against the command, and it is delivered later';
        throw new ServiceUnavailableException({ code: 'WORKER_SILENT', detail });
      }
      case 'not_running':
        // A start that is still on its way carries the command with it.
        if (await this.outbox.isStartPending(run.runKey)) return;
        throw new ConflictException({ code: 'RUN_ENDED', detail: 'the run has ended' });
    }
  }
}
