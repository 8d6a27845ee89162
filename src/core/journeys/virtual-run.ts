import type { InstantMs } from '../kernel/instant.js';
import { next, start } from './interpreter.js';
import type { Command, Input, InterpreterState, RunEvent, Unit } from './interpreter-state.js';
import { exitsOf } from './plan-graph.js';
import type { Plan } from './plan.js';
import type { ActAnswer, StepAnswer } from './step-answer.js';

/** One kind of command of the interpreter. */
export type CommandOf<Kind extends Command['kind']> = Extract<Command, { readonly kind: Kind }>;

/** Whatever a run asks of the world, answered at once: `now` is the virtual instant of the question. */
export interface VirtualWorld {
  runStep(command: CommandOf<'run_step'>, now: InstantMs): StepAnswer;
  holds(command: CommandOf<'evaluate_branch'>, now: InstantMs): boolean;
  /** Position of the first condition that holds, or null. */
  choose(command: CommandOf<'choose'>, now: InstantMs): number | null;
  findMoment(command: CommandOf<'find_moment'>, now: InstantMs): InstantMs | null;
  act(command: CommandOf<'act'>, now: InstantMs): ActAnswer;
  /** The first event in (after, until] that the command asks for, by time, then by message id; it may lie ahead. */
  findEvent(command: CommandOf<'find_event'>): RunEvent | null;
}

/** When and for whom a virtual run begins, and how far it is followed. */
export interface VirtualEntry {
  readonly entryAt: InstantMs;
  /** Inclusive: what would happen later is not lived through. */
  readonly until: InstantMs;
  readonly unit: Unit;
  /**
   * When the host gets to a turn that is due; it must not run backwards. Left out: at once. A real host is always some
   * milliseconds late, and whoever wants to live through the very same run brings its instants.
   */
  readonly reachedAt?: (dueAt: InstantMs) => InstantMs;
}

/** Steps that the run came to in one turn, in order. */
export interface VirtualTurn {
  readonly entered: readonly string[];
  readonly now: InstantMs;
}

/** How far the run came: to its end, or to a step that it is still at when the time is over. */
export type VirtualEnd =
  | {
      readonly kind: 'ended';
      readonly outcome: 'completed' | 'exited';
      readonly reason: string;
      readonly stepId: string;
      readonly at: InstantMs;
    }
  | { readonly kind: 'unfinished'; readonly stepId: string };

/**
 * Lives one run through in virtual time: the interpreter of production, in a host that never waits. Yields after each
 * turn, so that its caller can stop or pause; all that happens between two turns is one answer of the world.
 *
 * @returns how it ended; it always does, because the interpreter bounds the steps and questions of a run
 */
export function* liveVirtually(
  plan: Plan,
  entry: VirtualEntry,
  world: VirtualWorld,
): Generator<VirtualTurn, VirtualEnd, void> {
  const { entryAt, until, unit, reachedAt = (dueAt: InstantMs) => dueAt } = entry;
  let state = start(plan, { entryAt, isVirtual: true, unit });
  let now = reachedAt(entryAt);
  let input: Input | null = null;
  for (;;) {
    const turn = next(plan, state, input, now);
    const entered = enteredSteps(plan, state, turn.state);
    state = turn.state;
    yield { entered, now };
    const { command } = turn;
    if (command.kind === 'end') {
      const { outcome, reason } = command;
      return { kind: 'ended', outcome, reason, stepId: state.cursor, at: now };
    }
    if (command.kind === 'sleep') {
      if (command.until > until) return { kind: 'unfinished', stepId: state.cursor };
      now = Math.max(now, command.until);
    }
    input = answer(command, world, now);
    now = Math.max(now, reachedAt(now));
  }
}

function answer(command: Exclude<Command, CommandOf<'end'>>, world: VirtualWorld, now: InstantMs): Input {
  switch (command.kind) {
    case 'sleep':
      return { kind: 'timer' };
    case 'wait_message':
      throw new Error(`nobody pauses a virtual run: ${command.stepId}`);
    case 'run_step':
      return { kind: 'step_answer', answer: world.runStep(command, now) };
    case 'evaluate_branch':
      return { kind: 'branch_answer', holds: world.holds(command, now) };
    case 'choose':
      return { kind: 'choice_answer', index: world.choose(command, now) };
    case 'find_moment':
      return { kind: 'moment_answer', until: world.findMoment(command, now) };
    case 'act':
      return { kind: 'act_answer', answer: world.act(command, now) };
    case 'find_event':
      return { kind: 'event_answer', event: world.findEvent(command) };
  }
}

/** The interpreter tells how often each step was entered, not in which order: within a turn the plan's edges do. */
function enteredSteps(plan: Plan, before: InterpreterState, after: InterpreterState): readonly string[] {
  if (before.visits === after.visits) return [];
  const open = Object.entries(after.visits).flatMap(([id, visits]) =>
    Array<string>(visits - (before.visits[id] ?? 0)).fill(id),
  );
  if (open.length < 2) return open;
  const ordered: string[] = [];
  let at = before.seq === 0 ? null : before.cursor;
  while (open.length > 0) {
    const targets = at === null ? [plan.start] : targetsOf(plan, at);
    const index = Math.max(
      0,
      open.findIndex((id) => targets.includes(id)),
    );
    at = open.splice(index, 1)[0] ?? null;
    if (at !== null) ordered.push(at);
  }
  return ordered;
}

function targetsOf(plan: Plan, id: string): readonly string[] {
  const step = plan.steps[id];
  return step === undefined ? [] : Object.values(exitsOf(step));
}
