import { workflowInfo } from '@temporalio/workflow';
import { moveOf, movesOf, type Move, type Passage } from '../src/core/journeys/path.js';
import type { InterpreterState } from '../src/core/journeys/interpreter.js';

/** The newest of them: what a report left out is found by the reconcile job. */
const MOVES_REPORTED_MAX = 200;

/**
 * The steps that one execution of a run has been to. It is no part of the state that continue-as-new carries: whoever
 * wants the whole path of a chain asks each execution for its own. As many as a run may come to steps, 1,000.
 */
export class RunPath {
  private readonly moves = new Map<number, Move>();
  private unreported = new Set<number>();
  private open: Move | null;

  /** @param carried the state that an earlier execution left; its open move is not this execution's until it changes */
  constructor(carried: InterpreterState | undefined) {
    this.open = carried === undefined ? null : moveOf(carried);
  }

  /** Takes note of one turn. */
  follow(passage: Passage): void {
    for (const move of movesOf(passage, this.open)) this.note(move);
  }

  /** The run ends where it is, by something that is no turn of it: it was cancelled, or an activity gave up. */
  close(end: Pick<Move, 'reason' | 'turn'> & { readonly at: number }): void {
    if (this.open === null) return;
    const { reason, turn, at } = end;
    this.note({ ...this.open, outcome: 'exited', reason, leftAt: at, turn });
  }

  all(): readonly Move[] {
    return [...this.moves.values()];
  }

  /**
   * What is to be reported now. While a run is replayed its reports are thrown away, so nothing counts as told then: the
   * worker that takes a run over tells all of the execution once more, and what died with the other one is not lost.
   */
  take(): readonly Move[] {
    const told = this.all().filter(({ seq }) => this.unreported.has(seq));
    if (!workflowInfo().unsafe.isReplaying) this.unreported = new Set();
    return told.slice(-MOVES_REPORTED_MAX);
  }

  private note(move: Move): void {
    this.moves.set(move.seq, move);
    this.unreported.add(move.seq);
    this.open = move.leftAt === null ? move : null;
  }
}
