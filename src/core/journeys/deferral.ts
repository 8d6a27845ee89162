import { MINUTE_MS, type InstantMs } from '../kernel/instant.js';
import type { Deferral, Phase, Wait } from './interpreter-state.js';

/** A step that timers alone made ask so often will not be let through: it is taken as refused. */
const TIMER_ASKS_MAX = 100;
/** However often a user's data changes, a step asks no oftener than this because of it. */
const WAKE_GAP_MS = MINUTE_MS;

/** Whether one more deferral is one too many. */
export function isSpent({ timerAsks }: { readonly timerAsks: number }): boolean {
  return timerAsks >= TIMER_ASKS_MAX;
}

/**
 * When the wait is over if nothing else comes: earlier than planned once the run was woken. Wakes that come soon after
 * a question take effect together, a minute after it; a later one takes effect at once.
 */
export function endOf(wait: Wait): InstantMs {
  // Only a deferral is cut short: what else makes a run wait is what its author asked for. An exit that is written
  // down stays so, whatever else is new: its message is still waited for.
  if (wait.because !== 'deferred' || !wait.isWoken || wait.reason === 'RUN_EXITED') return wait.until;
  return Math.min(wait.until, wait.askedAt + WAKE_GAP_MS);
}

/**
 * The question that follows a deferral. Only those that a timer causes are counted: how often a user's data changes, or
 * how long an operator's pause lasts, says nothing about whether the step will ever be let through.
 */
export function askAgain(wait: Deferral, now: InstantMs): Extract<Phase, { kind: 'asking' }> {
  const isByWake = endOf(wait) < wait.until && now < wait.until;
  const isCounted = !isByWake && wait.reason !== 'RUN_PAUSED';
  return {
    kind: 'asking',
    isUnderWay: false,
    ask: wait.ask + 1,
    timerAsks: wait.timerAsks + (isCounted ? 1 : 0),
    askedAt: now,
    isWoken: false,
  };
}
