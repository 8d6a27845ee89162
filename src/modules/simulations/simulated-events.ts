import { evaluateCondition } from '../../core/audiences/evaluate-condition.js';
import type { RunQuestion } from '../../core/audiences/run-condition.js';
import { byTime } from '../../core/journeys/inbox.js';
import type { RunEvent } from '../../core/journeys/interpreter-state.js';
import { matchesOf } from '../../core/journeys/matching.js';
import type { CommandOf } from '../../core/journeys/virtual-run.js';
import { DAY_MS, type InstantMs } from '../../core/kernel/instant.js';
import { assignmentFraction } from '../../core/kernel/stable-hash.js';
import { EVENTS_TESTED_MAX, toCount } from '../steps/index.js';

/** One event of one user, stored or made up. */
export interface SimulatedEvent {
  readonly messageId: string;
  readonly name: string;
  readonly occurredAt: InstantMs;
  readonly properties: Readonly<Record<string, unknown>>;
}

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
      const matches = matchesOf(listeners, { name, properties });
      if (matches.length > 0) return { messageId, name, occurredAt, matches };
      if (names.includes(name)) return { messageId, name, occurredAt };
    }
    return null;
  }

  /** As `RunQuestions` answers it. */
  holds(
    question: Extract<RunQuestion, { kind: 'event' }>,
    { now, entryAt }: { readonly now: InstantMs; readonly entryAt: InstantMs },
  ): boolean {
    const { name, where } = question;
    const { after, countMax } = toCount(question, { now, enteredAt: entryAt });
    const seen = this.events.filter(
      (event) => event.name === name && event.occurredAt > after && event.occurredAt <= now,
    );
    const fitting =
      where === undefined
        ? seen
        : seen
            .slice(-EVENTS_TESTED_MAX)
            .filter(({ properties }) => evaluateCondition({ condition: where, attributes: properties }));
    return fitting.length >= countMax;
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
