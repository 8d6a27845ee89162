import type { InstantMs } from '../kernel/instant.js';
import type { InterpreterState, RunEvent } from './interpreter-state.js';
import type { Plan, WaitForStep } from './plan.js';

const SEEN_MAX = 200;
/** More than there can be names in a plan, so the first event of each name always has room. */
const INBOX_MAX = 256;

/**
 * Takes note of an event: once per message id, and only if the plan listens to it. An exit event that happened after
 * entry settles the run's end; its name wins over a `wait_for` of the same name.
 */
export function takeEvent(plan: Plan, state: InterpreterState, event: RunEvent): InterpreterState {
  if (state.seen.includes(event.messageId)) return state;
  const isExit = plan.exitEvents.includes(event.name);
  const sinces = waitsFor(plan, event.name);
  if (!isExit && sinces.size === 0) return state;
  const noted = { ...state, seen: [...state.seen, event.messageId].slice(-SEEN_MAX) };
  if (event.occurredAt <= state.entryAt) return noted;
  if (isExit) return { ...noted, exitReason: state.exitReason ?? `exit_event:${event.name}` };
  return { ...noted, inbox: keepUseful(plan, [...state.inbox, event], state.countsFrom) };
}

/** The first event by event time that ends the wait, or null. At the same instant the smaller message id is first. */
export function firstMatch(state: InterpreterState, step: WaitForStep, deadline: InstantMs): RunEvent | null {
  const after = step.since === 'entry' ? state.entryAt : state.countsFrom;
  const [first] = state.inbox
    .filter(({ name, occurredAt }) => name === step.event && occurredAt > after && occurredAt <= deadline)
    .sort(byTime);
  return first ?? null;
}

/**
 * Drops the events that no step can ask for any more. A `since: entry` wait asks for the first of its name; every
 * other wait asks for what happened after `countsFrom`, which only grows. Of more than fits, the latest go: the first
 * by event time wins anyway.
 */
export function keepUseful(plan: Plan, events: readonly RunEvent[], countsFrom: InstantMs): readonly RunEvent[] {
  const names = new Set<string>();
  const firsts: RunEvent[] = [];
  const others: RunEvent[] = [];
  for (const event of [...events].sort(byTime)) {
    const isFirst = !names.has(event.name) && waitsFor(plan, event.name).has('entry');
    names.add(event.name);
    if (isFirst) firsts.push(event);
    else if (event.occurredAt > countsFrom) others.push(event);
  }
  return [...firsts, ...others.slice(0, INBOX_MAX - firsts.length)].sort(byTime);
}

function waitsFor(plan: Plan, name: string): ReadonlySet<WaitForStep['since']> {
  const sinces = new Set<WaitForStep['since']>();
  for (const step of Object.values(plan.steps)) {
    if (step.kind === 'wait_for' && step.event === name) sinces.add(step.since);
  }
  return sinces;
}

function byTime(a: RunEvent, b: RunEvent): number {
  if (a.occurredAt !== b.occurredAt) return a.occurredAt - b.occurredAt;
  if (a.messageId === b.messageId) return 0;
  return a.messageId < b.messageId ? -1 : 1;
}
