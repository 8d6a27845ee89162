import type { InstantMs } from '../kernel/instant.js';
import { askAgain, endOf, isCutShort } from './deferral.js';
import { firstMatch, takeFound } from './inbox.js';
import type { Command, InterpreterState, Phase, RunEvent, Wait } from './interpreter-state.js';
import { eventWaitOf, lookUpOf, namesOf, type LookUp } from './listening.js';
import { countFrom, ended, goOn, goTo, stepOf } from './moves.js';
import type { Plan, Step } from './plan.js';

type Waiting = Extract<Phase, { kind: 'waiting' }>;

/** The run begins to wait; in virtual time it first looks up what would have woken it. */
export function beginWait(plan: Plan, state: InterpreterState, wait: Wait): InterpreterState {
  return { ...state, phase: phaseOf(plan, state, wait) };
}

function phaseOf(plan: Plan, state: InterpreterState, wait: Wait): Phase {
  if (state.isVirtual || missesEvents(plan, state, wait)) {
    const { events, listeners } = lookUpFor(plan, state.cursor, wait);
    if (events.length + listeners.length > 0) return { kind: 'looking', isUnderWay: false, wait };
  }
  return { kind: 'waiting', wait, found: null, isDue: false };
}

/** Whether events count for the wait that came in while the run was in another version and did not listen to them. */
function missesEvents(plan: Plan, state: InterpreterState, wait: Wait): boolean {
  if (state.listensFrom === undefined || wait.because !== 'wait_for') return false;
  return countsAfter(state, stepOf(plan, state.cursor)) < state.listensFrom;
}

function countsAfter(state: InterpreterState, step: Step): InstantMs {
  return eventWaitOf(step)?.since === 'entry' ? state.entryAt : state.countsFrom;
}

/** Where the run goes when its wait is over; null while it goes on. */
export function stopWaiting(
  plan: Plan,
  state: InterpreterState,
  phase: Waiting,
  now: InstantMs,
): InterpreterState | null {
  const { wait, found, isDue } = phase;
  // The foretold event happens now: from here it is like any other.
  const happens = (event: RunEvent): InterpreterState => ({
    ...takeFound(plan, state, event),
    phase: { ...phase, found: null, isDue: false },
  });
  // What has happened already may be older than what the inbox holds.
  if (found !== null && found.occurredAt <= now) return happens(found);
  const eventWait = eventWaitOf(stepOf(plan, state.cursor));
  if (eventWait !== null) {
    const match = firstMatch(state, eventWait, wait.until);
    if (match !== null) return goTo(countFrom(state, match.occurredAt), match.next);
  }
  const end = endOf(wait);
  if (!isDue && now < Math.min(end, found?.occurredAt ?? end)) return null;
  if (found !== null && found.occurredAt <= end) return happens(found);
  const stopped = countFrom(state, Math.min(now, wait.until));
  switch (wait.because) {
    case 'wait':
    case 'unknown':
      return goOn(plan, stopped);
    case 'wait_for':
      return eventWait === null ? goOn(plan, stopped) : goTo(stopped, eventWait.onTimeout);
    case 'act':
      return { ...stopped, phase: { kind: 'working', isUnderWay: false } };
    case 'deferred':
      if (wait.reason === 'RUN_EXITED') return ended(stopped, 'exited', 'run_exited');
      return { ...stopped, phase: askAgain(wait, now) };
    case 'refused':
      return isCutShort(wait, now) ? { ...stopped, phase: askAgain(wait, now) } : goOn(plan, stopped);
  }
}

/** Sleep until the wait is over, or until the foretold event. */
export function sleepCommand(plan: Plan, stepId: string, { wait, found }: Waiting): Command {
  const end = endOf(wait);
  const until = Math.min(end, found?.occurredAt ?? end);
  return { kind: 'sleep', stepId, until, because: wait.because, label: labelOf(stepOf(plan, stepId), wait) };
}

/** Look for the first event that would end the wait. */
export function findEventCommand(plan: Plan, state: InterpreterState, wait: Wait): Command {
  const step = stepOf(plan, state.cursor);
  const after = countsAfter(state, step);
  const { events, listeners } = lookUpFor(plan, step.id, wait);
  const conditional = listeners.length === 0 ? {} : { listeners };
  return { kind: 'find_event', stepId: step.id, events, ...conditional, after, until: wait.until };
}

function lookUpFor(plan: Plan, stepId: string, wait: Wait): LookUp {
  return lookUpOf(plan, wait.because === 'wait_for' ? eventWaitOf(stepOf(plan, stepId)) : null);
}

function labelOf(step: Step, wait: Wait): string {
  switch (wait.because) {
    case 'wait':
      return `${step.id}: wait`;
    case 'wait_for':
      return `${step.id}: wait for ${namesOf(eventWaitOf(step))}`;
    case 'act':
      return `${step.id}: not possible yet, tries again`;
    case 'deferred':
      return `${step.id}: put off, ${wait.reason}${endOf(wait) < wait.until ? ', asks again soon' : ''}`;
    case 'refused':
      return `${step.id}: refused, ${wait.reason}${endOf(wait) < wait.until ? ', asks again soon' : ', waits for a change'}`;
    case 'unknown':
      return `${step.id}: outcome unknown`;
  }
}
