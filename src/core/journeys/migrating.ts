import { armsMetIn, withArmsMet } from './draw.js';
import type { InterpreterState, Phase, Wait } from './interpreter-state.js';
import { takeFound } from './inbox.js';
import { contentsAhead, contentsSent, firstRepeat, hasOpenQuestion, stepsAfter } from './migrating-repeats.js';
import type { Migration, MigrationTarget, Settling, StayReason } from './migrating-types.js';
import { visitOf } from './moves.js';
import type { RunEvent } from './interpreter-state.js';
import type { Plan, Step } from './plan.js';
import { beginWait } from './waiting.js';

/** Of migrations before the last ones nobody tells a run again. */
const MIGRATIONS_KEPT_MAX = 20;
/** More conditions than any plan has: the numbers of two versions never meet. */
const LISTENERS_MAX = 100_000;

/** What kinds of waits a step can be in; two steps of one sort can take over each other's waits. */
export type WaitSort = 'time' | 'question' | 'act';

/** Null: runs never stand still at the step. */
export function waitSortOf(step: Step): WaitSort | null {
  switch (step.kind) {
    case 'message':
    case 'decide':
      return 'question';
    case 'wait':
    case 'wait_until':
    case 'wait_random':
    case 'wait_for':
    case 'wait_for_any':
      return 'time';
    case 'act':
      return 'act';
    case 'branch':
    case 'choose':
    case 'split':
    case 'end':
      return null;
  }
}

/**
 * The plan as runs carry it that were moved to its version: its conditions on events have numbers of their own. So a
 * number in an event that was tested for the version before means the same as ever, and not a condition of this one.
 */
export function movedPlan(plan: Plan): Plan {
  const listenersFrom = plan.version * LISTENERS_MAX;
  const moved = <Asked extends { readonly listener: number | null }>(asked: Asked): Asked =>
    asked.listener === null ? asked : { ...asked, listener: asked.listener + listenersFrom };
  const steps = Object.entries(plan.steps).map(([id, step]): [string, Step] => [
    id,
    step.kind === 'wait_for_any' ? { ...step, arms: step.arms.map(moved) } : step,
  ]);
  return {
    ...plan,
    listenersFrom,
    steps: Object.fromEntries(steps),
    ...(plan.watches === undefined ? {} : { watches: plan.watches.map(moved) }),
  };
}

/** Takes note of a migration: once, however often it is told, and never in skipped time, where nobody can be told. */
export function takeMigration(state: InterpreterState, migration: Migration): InterpreterState {
  const isKnown = state.settling?.migration === migration.id || state.migrations?.includes(migration.id) === true;
  return isKnown || state.isVirtual ? state : { ...state, migration };
}

/**
 * The run goes on in the other version, or stays in its own; nothing may be under way. What it heard, counted, drew and
 * was asked goes with it, and its events count from the same instant.
 *
 * @returns the plan and the state from here on; `settling` says what became of it
 */
export function migrate(
  plan: Plan,
  migration: Migration,
  { migration: _, ...state }: InterpreterState,
): { readonly plan: Plan; readonly state: InterpreterState } {
  const { id, steps } = migration;
  const target = Object.hasOwn(steps, state.cursor) ? steps[state.cursor] : undefined;
  const known = { ...state, migrations: [...(state.migrations ?? []), id].slice(-MIGRATIONS_KEPT_MAX) };
  const settle = (is: Omit<Settling, 'migration' | 'from'>): Settling => ({ migration: id, from: state.cursor, ...is });
  const reason = reasonToStay(plan, state, migration, target);
  if (reason !== null || target === undefined) {
    return { plan, state: { ...known, settling: settle({ outcome: 'stayed', reason, isWaitKept: true }) } };
  }
  const to = withArmsMet(movedPlan(migration.plan), armsMetIn(plan));
  const isWaitKept = keepsWait(plan, state, migration.plan, target);
  const arms = armsIn(plan, state, to);
  const moved: InterpreterState = {
    ...known,
    cursor: target.step,
    phase: { kind: 'ready' },
    visits: isWaitKept ? visitsOfKept(state, target.step) : state.visits,
    unit: state.unit ?? migration.unit,
    ...(arms === undefined ? {} : { arms }),
    contacts: [...contentsSent(plan, state, migration.offers)].sort(),
    listensFrom: Math.max(state.listensFrom ?? 0, migration.listensFrom),
    settling: settle({ outcome: 'moved', reason: null, isWaitKept }),
  };
  return { plan: to, state: isWaitKept ? keepWait(to, moved, state.phase) : moved };
}

/** The move is recorded; an event since entry may end the run by the rules of the version that it is in now. */
export function noteRecorded(
  plan: Plan,
  { settling: _, ...state }: InterpreterState,
  event: RunEvent | null,
): InterpreterState {
  return event === null ? state : takeFound(plan, state, event);
}

function reasonToStay(
  plan: Plan,
  state: InterpreterState,
  { from, plan: to, offers }: Migration,
  target: MigrationTarget | undefined,
): StayReason | null {
  if (plan.version !== from) return 'other_version';
  if (target === undefined || to.steps[target.step] === undefined) return 'not_mapped';
  const isKept = keepsWait(plan, state, to, target);
  // Where the answer of a question is in, the step that takes the wait over asks none.
  const isAsked = !isKept || hasOpenQuestion(state);
  const ahead = [...(isAsked ? [target.step] : []), ...stepsAfter(to, target.step)];
  const sent = contentsSent(plan, state, offers);
  const again = contentsAhead(plan, state, offers);
  return firstRepeat(to, ahead, { sent, again, offers }) === null ? null : 'would_repeat';
}

/** Whether a wait is under way, is to be kept, and can be. */
function keepsWait(plan: Plan, { cursor, phase }: InterpreterState, to: Plan, target: MigrationTarget): boolean {
  const isHeldUp = phase.kind === 'waiting' || phase.kind === 'looking' || phase.kind === 'asking';
  const [old, other] = [plan.steps[cursor], to.steps[target.step]];
  if (target.keep !== 'wait' || !isHeldUp || old === undefined || other === undefined) return false;
  return waitSortOf(old) === waitSortOf(other);
}

/** A visit that goes on under another name stays the visit that it is, but never one that the other step has had. */
function visitsOfKept(state: InterpreterState, target: string): InterpreterState['visits'] {
  if (target === state.cursor) return state.visits;
  const own = visitOf(state, target);
  const here = visitOf(state, state.cursor);
  return { ...state.visits, [target]: own === 0 ? here : Math.max(own + 1, here) };
}

function keepWait(plan: Plan, state: InterpreterState, phase: Phase): InterpreterState {
  if (phase.kind === 'asking') return { ...state, phase };
  if (phase.kind !== 'waiting' && phase.kind !== 'looking') return state;
  const step = plan.steps[state.cursor];
  const wait = step === undefined ? phase.wait : waitAt(step, phase.wait);
  const kept = beginWait(plan, state, wait);
  const isDue = phase.kind === 'waiting' && phase.isDue;
  return isDue && kept.phase.kind === 'waiting' ? { ...kept, phase: { ...kept.phase, isDue } } : kept;
}

/** The same wait, as the step of the other version is in it. */
function waitAt({ kind }: Step, wait: Wait): Wait {
  if (wait.because !== 'wait' && wait.because !== 'wait_for') return wait;
  return { because: kind === 'wait_for' || kind === 'wait_for_any' ? 'wait_for' : 'wait', until: wait.until };
}

/** Whoever drew an arm keeps it, also where the split has another id by now but the same salt. */
function armsIn(plan: Plan, { arms }: InterpreterState, to: Plan): InterpreterState['arms'] {
  if (arms === undefined) return undefined;
  const bySalt = new Map<string, string>();
  for (const step of Object.values(plan.steps)) {
    const arm = step.kind === 'split' ? arms[step.id] : undefined;
    if (step.kind === 'split' && arm !== undefined) bySalt.set(step.salt, arm);
  }
  const drawn = Object.values(to.steps).flatMap((step): [string, string][] => {
    const arm = step.kind === 'split' ? bySalt.get(step.salt) : undefined;
    return arm === undefined ? [] : [[step.id, arm]];
  });
  return { ...Object.fromEntries(drawn), ...arms };
}
