import { MINUTE_MS, SECOND_MS, type InstantMs } from '../kernel/instant.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { Deferral, Phase, Refusal, Wait } from './interpreter-state.js';

/** A step that timers alone made ask so often will not be let through: it is taken as refused. */
const TIMER_ASKS_MAX = 100;
/** However often a user's data changes, a step asks no oftener than this because of it. */
const WAKE_GAP_MS = MINUTE_MS;
/** The same of what makes a message forbidden: what is planned must be given up within five seconds (rules.md 3). */
const URGENT_GAP_MS = 2 * SECOND_MS;
/** What operators hold up ends when they say so: no number of questions means that it never will. */
const HELD_BY_OPERATORS: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'RUN_PAUSED',
  'KILL_SWITCH',
  'USER_ON_HOLD',
  'JOURNEY_PAUSED',
  'SENDING_PAUSED',
]);

/** Whether one more deferral is one too many. */
export function isSpent({ timerAsks }: { readonly timerAsks: number }): boolean {
  return timerAsks >= TIMER_ASKS_MAX;
}

/** Whether the step asks again when something about the user changes: what its author had it wait for is not cut short. */
function asksAgain(wait: Wait): wait is Deferral | Refusal {
  return wait.because === 'deferred' || wait.because === 'refused';
}

/** What woke the run may be newer than the facts of its last question: it is remembered until the next one. */
export function wake(phase: Phase, { isUrgent }: { readonly isUrgent?: true }): Phase {
  const woken = { isWoken: true, ...(isUrgent === true ? { isUrgent } : {}) } as const;
  if (phase.kind === 'asking') return { ...phase, ...woken };
  if (phase.kind !== 'waiting' && phase.kind !== 'looking') return phase;
  return asksAgain(phase.wait) ? { ...phase, wait: { ...phase.wait, ...woken } } : phase;
}

/**
 * When the wait is over if nothing else comes: earlier than planned once the run was woken. Wakes that come soon after
 * a question take effect together, a minute after it, or two seconds after it where one of them is urgent; a later one
 * takes effect at once.
 */
export function endOf(wait: Wait): InstantMs {
  // An exit that is written down stays so, whatever else is new: its message is still waited for.
  if (!asksAgain(wait) || !wait.isWoken || wait.reason === 'RUN_EXITED') return wait.until;
  return Math.min(wait.until, wait.askedAt + (wait.isUrgent === true ? URGENT_GAP_MS : WAKE_GAP_MS));
}

/** Whether the wait ends now because the run was woken, and not because its time is over. */
export function isCutShort(wait: Wait, now: InstantMs): boolean {
  return endOf(wait) < wait.until && now < wait.until;
}

/**
 * The question that follows a deferral or a refusal. Only those that a timer causes are counted: how often a user's
 * data changes, or how long operators hold it up, says nothing about whether the step will ever be let through.
 */
export function askAgain(wait: Deferral | Refusal, now: InstantMs): Extract<Phase, { kind: 'asking' }> {
  const { ask, timerAsks, refusedUntil } = wait;
  const isCounted = !isCutShort(wait, now) && !HELD_BY_OPERATORS.has(wait.reason);
  return {
    kind: 'asking',
    isUnderWay: false,
    ask: ask + 1,
    timerAsks: timerAsks + (isCounted ? 1 : 0),
    askedAt: now,
    isWoken: false,
    ...(refusedUntil === undefined ? {} : { refusedUntil }),
  };
}
