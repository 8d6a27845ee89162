import { GoneException, Injectable, NotFoundException } from '@nestjs/common';
import type { Page, PageRequest } from '../../platform/http/paging.js';
import { DecisionsService, type DecisionView } from '../decisions/index.js';
import { DeliveriesService, toDeliveryView } from '../deliveries/index.js';
import { RunsRepository, toRunRejectView, toRunView, type RunRow } from '../journeys/index.js';
import { RunFactsRepository } from './run-facts.repository.js';
import type { RunDecisionView, RunMoveView, RunStoryView } from './run-views.dto.js';
import { toEntryView, toMoveView, toResponseView, toWaitView } from './run-views.mapper.js';

const MOVES_SHOWN = 50;
const SHOWN = 20;
/** A delivery for each visit of each step at most. */
const DELIVERIES_MAX = 1_000;

/** What one run did, why, and what it waits for. */
@Injectable()
export class RunViewsService {
  constructor(
    private readonly runs: RunsRepository,
    private readonly facts: RunFactsRepository,
    private readonly decisions: DecisionsService,
    private readonly deliveries: DeliveriesService,
  ) {}

  /**
   * Everything about a run, in one answer.
   *
   * @throws NotFoundException RUN_UNKNOWN
   */
  async story(id: string): Promise<RunStoryView> {
    const run = await this.get(id);
    const { runKey } = run;
    const first = { after: null, limit: SHOWN };
    const [entry, moves, decisions, rejects, responses] = await Promise.all([
      this.facts.entry(runKey),
      this.facts.lastMoves(runKey, MOVES_SHOWN),
      this.decisionsOf(run, first),
      this.runs.rejects(runKey, first),
      this.facts.responses(runKey),
    ]);
    const last = moves.at(-1);
    const open = last !== undefined && last.leftAt === null ? last : null;
    return {
      run: toRunView(run),
      entry: toEntryView(entry, run),
      waits: run.endedAt === null ? toWaitView(run, entry, open) : null,
      path: moves.map(toMoveView(entry.plan)),
      decisions: [...decisions.data],
      rejects: rejects.map(toRunRejectView),
      responses: responses.map(toResponseView),
    };
  }

  /**
   * The steps that the run came to, oldest first.
   *
   * @param page.after place of the last step of the page before; 0 for the first page
   */
  async path(id: string, page: { readonly after: number; readonly limit: number }): Promise<Page<RunMoveView>> {
    const { runKey } = await this.get(id);
    const [{ plan }, moves] = await Promise.all([
      this.facts.entry(runKey),
      this.facts.path(runKey, { ...page, limit: page.limit + 1 }),
    ]);
    const shown = moves.slice(0, page.limit);
    const last = shown.at(-1);
    const hasMore = moves.length > page.limit && last !== undefined;
    return { data: shown.map(toMoveView(plan)), next_cursor: hasMore ? String(last.seq) : null };
  }

  /** Every decision that the run asked for, with its reasons and what was sent because of it; newest first. */
  async decisionsFor(id: string, page: PageRequest): Promise<Page<RunDecisionView>> {
    return this.decisionsOf(await this.get(id), page);
  }

  private async decisionsOf({ runKey }: RunRow, page: PageRequest): Promise<Page<RunDecisionView>> {
    const filter = { userId: null, runKey, outcome: null, reason: null };
    const [{ data, next_cursor }, deliveries] = await Promise.all([
      this.decisions.list(filter, page),
      this.deliveries.list(
        { userId: null, runKey, clockDomain: null, state: null },
        { after: null, limit: DELIVERIES_MAX },
      ),
    ]);
    const views = await Promise.all(
      data.map(async (decision) => ({
        ...decision,
        explanation: await this.explain(decision),
        deliveries: deliveries.filter(({ decisionId }) => decisionId === decision.id).map(toDeliveryView),
      })),
    );
    return { data: views, next_cursor };
  }

  private async explain({ id }: DecisionView): Promise<string | null> {
    if (id === null) return null;
    try {
      return (await this.decisions.explain(id)).explanation;
    } catch (error) {
      // What was decided about a person who was erased is gone.
      if (error instanceof GoneException) return null;
      throw error;
    }
  }

  private async get(id: string): Promise<RunRow> {
    const run = await this.runs.find(id);
    if (run === null) throw new NotFoundException({ code: 'RUN_UNKNOWN', detail: 'there is no such run' });
    return run;
  }
}
