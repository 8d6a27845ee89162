import { isDeepStrictEqual } from 'node:util';
import type { Move } from '../../../core/journeys/path.js';
import type { RunProgress } from '../../../core/journeys/progress.js';
import type { RunExecution } from './run-executions.js';
import type { ProjectedRun, RecordedRun } from './run-reconcile.repository.js';
import type { RunWait } from './run-waits.js';

/** Of a run that ended, and of which neither the tables nor Temporal know how. */
const END_UNKNOWN = 'lost';

/**
 * The row that the run should have, as its own reports and the record of its end would have left it.
 *
 * @returns null where that cannot be said: the row is left as it is
 */
export function projectedOf(recorded: RecordedRun, execution: RunExecution): ProjectedRun | null {
  const { endedAt } = recorded;
  if (execution.kind === 'gone') {
    if (endedAt === null) return recorded.isStartPending ? rowOf(recorded, null) : null;
    // How it ended is in its row alone.
    if (recorded.row !== null && recorded.row.endedAt !== null) return null;
    return { ...rowOf(recorded, null), state: 'exited', reason: END_UNKNOWN, endedAt };
  }
  // The end is recorded before the execution closes: what it says in between is its last wait.
  if (execution.kind === 'running') return endedAt === null ? rowOf(recorded, execution.progress) : null;
  if (endedAt === null) return null;
  const row = rowOf(recorded, execution.progress);
  const over = { ...row, waitsFor: null, waitsUntil: null, waitsOn: [], endedAt };
  if (execution.end !== null) return { ...over, state: execution.end.outcome, reason: execution.end.reason };
  // Terminated from outside: whoever noticed wrote down why.
  const { row: told } = recorded;
  const isTold = told !== null && told.endedAt !== null && told.reason !== null;
  return isTold
    ? { ...over, state: told.state, reason: told.reason }
    : { ...over, state: 'exited', reason: 'terminated' };
}

/**
 * The moves that are wrong, as they were read, and those that take their place.
 *
 * @returns null where the tables say what the run says
 */
export function pathFaults(
  { path }: RecordedRun,
  execution: Exclude<RunExecution, { kind: 'gone' }>,
): { readonly wrong: readonly Move[]; readonly right: readonly Move[] } | null {
  const { moves, isWhole } = execution;
  const first = moves[0]?.seq ?? Infinity;
  const said = new Map(moves.map((move) => [move.seq, move]));
  // Of what came before the oldest execution that is left, the tables are all that there is.
  const isKnown = ({ seq }: Move): boolean => isWhole || seq >= first;
  const wrong = path.filter((move) => isKnown(move) && !isDeepStrictEqual(move, said.get(move.seq)));
  const read = new Map(path.map((move) => [move.seq, move]));
  const right = moves.filter((move) => !isDeepStrictEqual(move, read.get(move.seq)));
  return wrong.length + right.length === 0 ? null : { wrong, right };
}

/** What a run does not hear of, the names of what it hears of in other words, or should not, and what belongs there. */
export function waitFaults(
  heard: readonly RunWait[],
  wanted: readonly RunWait[],
): { readonly missing: readonly RunWait[]; readonly wrong: readonly string[]; readonly right: readonly RunWait[] } {
  const wantedOf = new Map(wanted.map((wait) => [wait.name, wait]));
  const wrong = heard.filter((wait) => !isDeepStrictEqual(wait, wantedOf.get(wait.name))).map(({ name }) => name);
  const names = new Set(heard.map(({ name }) => name));
  return {
    missing: wanted.filter(({ name }) => !names.has(name)),
    wrong,
    right: wanted.filter(({ name }) => wrong.includes(name)),
  };
}

export const isSameRow = (a: ProjectedRun | null, b: ProjectedRun): boolean => isDeepStrictEqual(a, b);

function rowOf(recorded: RecordedRun, progress: RunProgress | null): ProjectedRun {
  return {
    id: recorded.runId,
    runKey: recorded.runKey,
    journeyKey: recorded.journeyKey,
    version: recorded.version,
    userId: recorded.userId,
    clockDomain: recorded.clockDomain,
    state: progress?.state ?? 'starting',
    stepId: progress?.stepId ?? null,
    waitsFor: progress?.waitsFor ?? null,
    waitsUntil: progress?.waitsUntil ?? null,
    reason: null,
    startedAt: recorded.enteredAt,
    endedAt: null,
    seq: progress?.seq ?? 0,
    waitsOn: progress?.waitsOn ?? [],
  };
}
