import { assert } from '../kernel/assert.js';
import type { Listener, RunEvent } from './interpreter-state.js';
import type { Plan, Step, Watch } from './plan.js';

/** More names than these tell a reader nothing. */
const EVENTS_SHOWN_MAX = 3;

/** Events of one name; of those only the ones that fit a listener of the plan, unless it is null. */
export interface Ask {
  readonly event: string;
  readonly listener: number | null;
}

/** Whether the event is one of those that are asked for. */
export function fits(ask: Ask, { name, matches = [] }: RunEvent): boolean {
  return name === ask.event && (ask.listener === null || matches.includes(ask.listener));
}

/** A step that waits for events, in one form for both kinds. */
export interface EventWait {
  /** The first that fits an event decides. */
  readonly arms: readonly (Ask & { readonly next: string })[];
  readonly since: 'step' | 'entry';
  readonly onTimeout: string;
}

/** What the step waits for; null if it waits for no event. */
export function eventWaitOf(step: Step): EventWait | null {
  if (step.kind === 'wait_for_any') return step;
  if (step.kind !== 'wait_for') return null;
  const { event, onEvent, since, onTimeout } = step;
  return { arms: [{ event, listener: null, next: onEvent }], since, onTimeout };
}

/** How an event ends the run wherever it is; null if it does not. An exit event by name comes before all others. */
export function endBy(plan: Plan, event: RunEvent): Pick<Watch, 'outcome' | 'reason'> | null {
  if (plan.exitEvents.includes(event.name)) return { outcome: 'exited', reason: `exit_event:${event.name}` };
  return plan.watches?.find((watch) => fits(watch, event)) ?? null;
}

/** What to look for before a wait in virtual time: names that always count, and conditions on further events. */
export interface LookUp {
  readonly events: readonly string[];
  readonly listeners: readonly Listener[];
}

/** @param wait the step's own wait; null: the run waits for something else there, and only what ends it counts */
export function lookUpOf(plan: Plan, wait: EventWait | null): LookUp {
  const exits = plan.exitEvents.map((event) => ({ event, listener: null }));
  const asks: readonly Ask[] = [...(wait?.arms ?? []), ...exits, ...(plan.watches ?? [])];
  const names = asks.flatMap(({ event, listener }) => (listener === null ? [event] : []));
  const indexes = asks.flatMap(({ listener }) => (listener === null ? [] : [listener]));
  const listeners = [...new Set(indexes)].map((index) => listenerOf(plan, index));
  return { events: [...new Set(names)], listeners };
}

function listenerOf(plan: Plan, index: number): Listener {
  const listener = plan.listeners?.[index - (plan.listenersFrom ?? 0)];
  assert(listener !== undefined, `${plan.journeyKey} version ${plan.version} has no listener ${index}`);
  return { index, ...listener };
}

/** The events of a wait in one line, e.g. `purchase, signup and 2 more`. */
export function namesOf(wait: EventWait | null): string {
  const names = [...new Set(wait?.arms.map(({ event }) => event))];
  const more = names.length - EVENTS_SHOWN_MAX;
  return names.slice(0, EVENTS_SHOWN_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
