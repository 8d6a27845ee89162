import { evaluateCondition } from '../../core/audiences/evaluate-condition.js';
import type { RunQuestion } from '../../core/audiences/run-condition.js';
import type { Listener, RunEvent } from '../../core/journeys/interpreter-state.js';
import type { CommandOf } from '../../core/journeys/virtual-run.js';
import { parseDuration } from '../../core/kernel/duration.js';
import { DAY_MS, type InstantMs } from '../../core/kernel/instant.js';
import { assignmentFraction } from '../../core/kernel/stable-hash.js';

/** One event of one user, stored or made up. */
export interface SimulatedEvent {
  readonly messageId: string;
  readonly name: string;
  readonly occurredAt: InstantMs;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** As many are looked at in production where properties matter. */
const EVENTS_TESTED_MAX = 1_000;
const NO_PROPERTIES: Readonly<Record<string, unknown>> = {};

/** All events of one user that a simulation knows, in the order in which they happen. */
export class SimulatedEvents {
  private readonly events: readonly SimulatedEvent[];

  constructor(events: readonly SimulatedEvent[]) {
    this.events = [...events].sort(byTime);
  }

  /** As `EventsService.findFirst` does it. */
  findFirst({ events: names, listeners = [], after, until }: CommandOf<'find_event'>): RunEvent | null {
    for (const { messageId, name, occurredAt, properties } of this.events) {
      if (occurredAt <= after) continue;
      if (occurredAt > until) return null;
      const matches = matchesOf(listeners, name, properties);
      if (matches.length > 0) return { messageId, name, occurredAt, matches };
      if (names.includes(name)) return { messageId, name, occurredAt };
    }
    return null;
  }

  /** As `RunQuestions` answers it. */
  holds(
    { name, within, at_least: atLeast = 1, where }: Extract<RunQuestion, { kind: 'event' }>,
    { now, entryAt }: { readonly now: InstantMs; readonly entryAt: InstantMs },
  ): boolean {
    const after = within === undefined ? entryAt : now - (parseDuration(within) ?? 0);
    const seen = this.events.filter(
      (event) => event.name === name && event.occurredAt > after && event.occurredAt <= now,
    );
    const fitting =
      where === undefined
        ? seen
        : seen
            .slice(-EVENTS_TESTED_MAX)
            .filter(({ properties }) => evaluateCondition({ condition: where, attributes: properties }));
    return fitting.length >= Math.max(1, atLeast);
  }
}

/**
 * Events that a user might cause: each of these names at most once in each day of the span, with this probability, at
 * an instant drawn for user and day. The same seed always draws the same, whatever journey is tried.
 */
export function drawEvents(draw: {
  readonly perDay: Readonly<Record<string, number>>;
  readonly seed: string;
  readonly userId: string;
  readonly from: InstantMs;
  readonly days: number;
}): readonly SimulatedEvent[] {
  const { perDay, seed, userId, from, days } = draw;
  return Object.entries(perDay).flatMap(([name, probability]) =>
    Array.from({ length: days }, (_, day) => day).flatMap((day): readonly SimulatedEvent[] => {
      const salt = `${seed}:${name}:${day}`;
      if (assignmentFraction(salt, userId) >= probability) return [];
      // Later than `from`: what happens at the instant of entry would count for nothing.
      const withinDay = 1 + Math.floor(assignmentFraction(`${salt}:at`, userId) * (DAY_MS - 1));
      const occurredAt = from + day * DAY_MS + withinDay;
      return [{ messageId: `simulated:${name}:${day}`, name, occurredAt, properties: NO_PROPERTIES }];
    }),
  );
}

function matchesOf(
  listeners: readonly Listener[],
  name: string,
  properties: Readonly<Record<string, unknown>>,
): readonly number[] {
  return listeners.flatMap(({ index, event, where }) =>
    event === name && evaluateCondition({ condition: where, attributes: properties }) ? [index] : [],
  );
}

function byTime(left: SimulatedEvent, right: SimulatedEvent): number {
  return left.occurredAt - right.occurredAt || (left.messageId < right.messageId ? -1 : 1);
}
