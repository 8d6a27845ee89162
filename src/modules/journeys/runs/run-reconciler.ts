import { Injectable, Logger } from '@nestjs/common';
import { isDrawn } from '../../../core/journeys/exposing.js';
import { listenedEvents, type ListenedEvent } from '../../../core/journeys/plan.js';
import type { ReconcileCounts, ReconcileInput, ReconcilePlace } from '../../../core/journeys/reconciling.js';
import { Clock } from '../../../platform/clock/clock.js';
import { SplitsRepository } from '../splits/splits.repository.js';
import { RunExecutions, type RunExecution } from './run-executions.js';
import { isSameRow, pathFaults, projectedOf, waitFaults } from './run-mending.js';
import { RunPaths } from './run-paths.js';
import { RunReconciles, type RecordedRun, type ReconcileRow } from './run-reconcile.repository.js';
import { toWait } from './run-waits.js';
import { RunsRepository } from './runs.repository.js';

const RUNS_A_PAGE = 50;
/** Workers that answer are kept from their own work. */
const AT_ONCE = 4;
/** A run that moves while it is compared is compared again; one that never stands still reports by itself. */
const TRIES_MAX = 3;

interface Found {
  readonly kind: 'same' | 'mended' | 'lost' | 'unanswered';
  /** Subscriptions that were taken away. */
  readonly unsubscribed: number;
}

interface Compared {
  /** `again` and `lost`: it must be looked at once more. */
  readonly kind: 'same' | 'mended' | 'lost' | 'again';
  readonly unsubscribed: number;
}

/** Compares runs with Temporal, and puts their rows right. */
@Injectable()
export class RunReconciler {
  private readonly logger = new Logger(RunReconciler.name);

  constructor(
    private readonly reconciles: RunReconciles,
    private readonly executions: RunExecutions,
    private readonly runs: RunsRepository,
    private readonly splits: SplitsRepository,
    private readonly paths: RunPaths,
    private readonly clock: Clock,
  ) {}

  /**
   * One page of the job, and its progress.
   *
   * @param beat called between runs; throws when the job is to stop
   */
  async page({ jobId, journey, place }: Required<ReconcileInput>, beat: () => void): Promise<ReconcilePlace> {
    const reached =
      place.phase === 'entries' ? await this.entries(journey, place, beat) : await this.strangers(journey, place);
    await this.reconciles.progress(jobId, reached.counts);
    return reached;
  }

  finish(jobId: string, state: Exclude<ReconcileRow['state'], 'running'>): Promise<void> {
    return this.reconciles.finish(jobId, state);
  }

  private async entries(
    journey: string | null,
    { after, counts }: ReconcilePlace,
    beat: () => void,
  ): Promise<ReconcilePlace> {
    const ids = await this.reconciles.runIds(journey, after, RUNS_A_PAGE);
    const found: Found[] = [];
    for (let first = 0; first < ids.length; first += AT_ONCE) {
      beat();
      found.push(...(await Promise.all(ids.slice(first, first + AT_ONCE).map((id) => this.reconcile(id)))));
    }
    const last = ids.length < RUNS_A_PAGE ? null : (ids.at(-1) ?? null);
    return { phase: last === null ? 'strangers' : 'entries', after: last, counts: added(counts, found) };
  }

  /** Running workflows that no entry knows are told of, and left alone: they may belong to somebody else. */
  private async strangers(journey: string | null, { after, counts }: ReconcilePlace): Promise<ReconcilePlace> {
    const { runKeys, next } = await this.executions.listRunning(journey, after);
    const strangers = await this.reconciles.strangers(runKeys);
    return {
      phase: next === null ? 'over' : 'strangers',
      after: next,
      counts: { ...counts, strangers: counts.strangers + strangers.length },
    };
  }

  private async reconcile(runId: string): Promise<Found> {
    try {
      let found: Found = { kind: 'same', unsubscribed: 0 };
      for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
        // Read before the run is asked, which knows no less than it had reported until then.
        const recorded = await this.reconciles.recorded(runId);
        if (recorded === null) return found;
        const result = await this.compare(recorded, await this.executions.find(recorded.runKey));
        const unsubscribed = found.unsubscribed + result.unsubscribed;
        if (result.kind === 'lost') found = { kind: 'lost', unsubscribed };
        else if (result.kind !== 'same' && found.kind === 'same') found = { kind: 'mended', unsubscribed };
        else found = { ...found, unsubscribed };
        if (result.kind === 'same' || result.kind === 'mended') return found;
      }
      return found;
    } catch (error) {
      this.logger.warn('a run could not be compared', { runId, error });
      return { kind: 'unanswered', unsubscribed: 0 };
    }
  }

  private async compare(recorded: RecordedRun, execution: RunExecution): Promise<Compared> {
    const { runKey } = recorded;
    const end = unrecordedEnd(recorded, execution);
    if (end !== null) {
      // The update of the end finds only a row that is there.
      if (recorded.row === null) await this.reconciles.replaceRow(recorded, missingRow(recorded, execution));
      await this.runs.finish({ runKey, ...end });
      return { kind: end.reason === 'terminated' ? 'lost' : 'again', unsubscribed: 0 };
    }
    let isMended = false;
    const wanted = projectedOf(recorded, execution);
    if (wanted !== null && !isSameRow(recorded.row, wanted)) {
      if (!(await this.reconciles.replaceRow(recorded, wanted))) return { kind: 'again', unsubscribed: 0 };
      isMended = true;
      if (execution.kind === 'gone' && !recorded.isStartPending) return { kind: 'lost', unsubscribed: 0 };
    }
    const isPathMended = await this.mendPath(recorded, execution);
    const waits = await this.mendWaits(recorded, execution);
    const kind = isMended || isPathMended || waits.isMended ? 'mended' : 'same';
    return { kind, unsubscribed: waits.unsubscribed };
  }

  /** The path, and what follows from it about splits. Paths that are too old to be kept are not brought back. */
  private async mendPath(recorded: RecordedRun, execution: RunExecution): Promise<boolean> {
    if (execution.kind === 'gone' || !this.paths.isKept(recorded.endedAt, this.clock.now())) return false;
    const faults = pathFaults(recorded, execution);
    if (faults !== null) await this.reconciles.replaceMoves(recorded.runKey, faults.wrong, faults.right);
    const isArmNew = execution.moves.some(isDrawn) && (await this.splits.note(recorded.runKey));
    return faults !== null || isArmNew;
  }

  /**
   * A run that goes on hears of every event of its plan by the plan's conditions, of no others, which would cost a signal
   * each, and of none once it is over.
   */
  private async mendWaits(
    recorded: RecordedRun,
    execution: RunExecution,
  ): Promise<{ readonly isMended: boolean; readonly unsubscribed: number }> {
    if (recorded.endedAt !== null) {
      const unsubscribed = recorded.waits.length === 0 ? 0 : await this.reconciles.removeWaits(recorded.runKey);
      return { isMended: unsubscribed > 0, unsubscribed };
    }
    const events = await this.eventsOf(recorded, execution);
    if (events === null) return { isMended: false, unsubscribed: 0 };
    const { missing, wrong, right } = waitFaults(recorded.waits, events.map(toWait));
    if (missing.length > 0) await this.reconciles.addWaits(recorded, missing);
    const removed = wrong.length === 0 ? [] : await this.reconciles.replaceWaits(recorded, wrong, right);
    const surplus = removed.filter((name) => !right.some((wait) => wait.name === name));
    return { isMended: missing.length + removed.length > 0, unsubscribed: surplus.length };
  }

  /** What the run reacts to; null where it is over, or nobody can say. */
  private async eventsOf(recorded: RecordedRun, execution: RunExecution): Promise<readonly ListenedEvent[] | null> {
    if (recorded.endedAt !== null) return null;
    // A run that was moved to its version hears in words of its own: it alone knows them.
    if (execution.kind === 'running') return execution.listensTo;
    if (execution.kind === 'closed' || !recorded.isStartPending) return null;
    return listenedEvents(await this.reconciles.plan(recorded.journeyKey, recorded.version));
  }
}

/** The end of a run that is over in Temporal, and not in the tables. */
function unrecordedEnd(
  { endedAt, isStartPending, clockDomain }: RecordedRun,
  execution: RunExecution,
): Pick<Parameters<RunsRepository['finish']>[0], 'outcome' | 'reason' | 'endedAt'> | null {
  if (endedAt !== null) return null;
  if (execution.kind === 'gone')
    return isStartPending ? null : { outcome: 'exited', reason: 'terminated', endedAt: null };
  if (execution.kind === 'running') return null;
  const { end, closedAt } = execution;
  if (end === null) return { outcome: 'exited', reason: 'terminated', endedAt: closedAt };
  return { outcome: end.outcome, reason: end.reason, endedAt: clockDomain === 'real' ? closedAt : end.endedAt };
}

function missingRow(recorded: RecordedRun, execution: RunExecution): NonNullable<ReturnType<typeof projectedOf>> {
  const progress = execution.kind === 'gone' ? null : execution.progress;
  const wanted = projectedOf(recorded, { kind: 'running', progress, listensTo: [], moves: [], isWhole: true });
  if (wanted === null) throw new Error(`${recorded.runKey} has ended already`);
  return wanted;
}

function added(counts: ReconcileCounts, found: readonly Found[]): ReconcileCounts {
  const of = (kind: Found['kind']): number => found.filter((each) => each.kind === kind).length;
  return {
    ...counts,
    checked: counts.checked + found.length,
    mended: counts.mended + of('mended'),
    lost: counts.lost + of('lost'),
    unanswered: counts.unanswered + of('unanswered'),
    unsubscribed: (counts.unsubscribed ?? 0) + found.reduce((all, { unsubscribed }) => all + unsubscribed, 0),
  };
}
