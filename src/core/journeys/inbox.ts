import type { InstantMs } from '../kernel/instant.js';
import type { InterpreterState, RunEvent } from './interpreter-state.js';
import { endBy, eventWaitOf, fits, type Ask, type EventWait } from './listening.js';
import type { Plan } from './plan.js';

const SEEN_MAX = 200;
/** For events that are no first of their kind: those stay whatever else comes, and are as many as a plan asks for. */
const INBOX_MAX = 256;

/**
 * Takes note of an event: once per message id, and only if the plan listens to it. An event that ends the run and
 * happened after entry settles the run's end, even where a step waits for it; what came first stays the reason.
 */
export function takeEvent(plan: Plan, state: InterpreterState, event: RunEvent): InterpreterState {
  if (state.seen.includes(event.messageId)) return state;
  const end = endBy(plan, event);
  if (end === null && !asksOf(plan).some((ask) => fits(ask, event))) return state;
  const noted = { ...state, seen: [...state.seen, event.messageId].slice(-SEEN_MAX) };
  if (event.occurredAt <= state.entryAt) return noted;
  if (end === null) return { ...noted, inbox: keepUseful(plan, [...state.inbox, event], state.countsFrom) };
  if (state.exitReason !== null) return noted;
  return { ...noted, exitReason: end.reason, ...(end.outcome === 'completed' ? { isGoalReached: true } : {}) };
}

/**
 * Takes note of an event that was looked up. A look-up tells only of the listeners that it asked about, so an event that
 * was found before, for something else, may come again and fit what is asked for now.
 */
export function takeFound(plan: Plan, state: InterpreterState, event: RunEvent): InterpreterState {
  const { messageId, matches = [] } = event;
  if (state.listensFrom !== undefined) return takeAnew(plan, state, event);
  if (matches.length === 0 || !state.seen.includes(messageId)) return takeEvent(plan, state, event);
  const others = state.inbox.filter((each) => each.messageId !== messageId);
  return { ...state, inbox: keepUseful(plan, [...others, event], state.countsFrom) };
}

/** In another version than before, an event may mean something else than when it was first taken note of. */
function takeAnew(plan: Plan, state: InterpreterState, event: RunEvent): InterpreterState {
  const seen = state.seen.filter((messageId) => messageId !== event.messageId);
  const inbox = state.inbox.filter(({ messageId }) => messageId !== event.messageId);
  return takeEvent(plan, { ...state, seen, inbox }, event);
}

/**
 * Where the first event by event time that ends the wait leads, or null. At the same instant the smaller message id is
 * first; of arms that fit the same event, the one that stands first.
 */
export function firstMatch(
  state: InterpreterState,
  { arms, since }: EventWait,
  deadline: InstantMs,
): { readonly next: string; readonly occurredAt: InstantMs } | null {
  const after = since === 'entry' ? state.entryAt : state.countsFrom;
  for (const event of [...state.inbox].sort(byTime)) {
    const { occurredAt } = event;
    if (occurredAt <= after || occurredAt > deadline) continue;
    const arm = arms.find((each) => fits(each, event));
    if (arm !== undefined) return { next: arm.next, occurredAt };
  }
  return null;
}

/**
 * Drops the events that no step can ask for any more. A `since: entry` wait asks for the first that fits; every other
 * wait asks for what happened after `countsFrom`, which only grows. Of more than fits, the latest go: the first by
 * event time wins anyway.
 */
export function keepUseful(plan: Plan, events: readonly RunEvent[], countsFrom: InstantMs): readonly RunEvent[] {
  let open = asksOf(plan).filter(({ since }) => since === 'entry');
  const firsts: RunEvent[] = [];
  const others: RunEvent[] = [];
  for (const event of [...events].sort(byTime)) {
    const unanswered = open.filter((ask) => !fits(ask, event));
    if (unanswered.length < open.length) firsts.push(event);
    else if (event.occurredAt > countsFrom) others.push(event);
    open = unanswered;
  }
  return [...firsts, ...others.slice(0, Math.max(0, INBOX_MAX - firsts.length))].sort(byTime);
}

function asksOf(plan: Plan): readonly (Ask & Pick<EventWait, 'since'>)[] {
  return Object.values(plan.steps).flatMap((step) => {
    const wait = eventWaitOf(step);
    return wait === null ? [] : wait.arms.map(({ event, listener }) => ({ event, listener, since: wait.since }));
  });
}

/** Earlier events first; at one instant the smaller message id. */
export function byTime(
  a: Pick<RunEvent, 'messageId' | 'occurredAt'>,
  b: Pick<RunEvent, 'messageId' | 'occurredAt'>,
): number {
  if (a.occurredAt !== b.occurredAt) return a.occurredAt - b.occurredAt;
  if (a.messageId === b.messageId) return 0;
  return a.messageId < b.messageId ? -1 : 1;
}
