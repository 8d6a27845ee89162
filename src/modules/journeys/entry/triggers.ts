import { keyOfEvent, triggerOf, type EventTrigger } from '../../../core/journeys/triggers.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import type { TriggeredEntry } from './triggers.repository.js';

/** A trigger of a journey on the name of an event that came in. */
export interface TriggerRow {
  readonly journeyKey: string;
  readonly trigger: EventTrigger;
  /** Of the event in the list that was asked about, from 1. */
  readonly place: number;
}

/** What happened, as far as triggers look at it. */
interface Happened {
  readonly userId: string;
  readonly messageId: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly clockDomain: string;
  readonly occurredAt: InstantMs;
}

/** Who is to enter which journey because of these events: one entry for an event and a journey, whatever triggers it. */
export function entriesOf(rows: readonly TriggerRow[], events: readonly Happened[]): readonly TriggeredEntry[] {
  const groups = Map.groupBy(rows, ({ journeyKey, place }) => `${place} ${journeyKey}`);
  return [...groups.values()].flatMap((group) => {
    const [{ journeyKey, place } = { journeyKey: '', place: 0 }] = group;
    const event = events[place - 1];
    if (event === undefined) throw new Error('a trigger on an event that nobody asked about');
    const { userId, messageId, name: eventName, clockDomain, occurredAt } = event;
    const triggers = group.map(({ trigger }) => trigger);
    const trigger = triggerOf(triggers, event);
    if (trigger === null) return [];
    return [
      { journeyKey, userId, eventName, messageId, entryKey: keyOfEvent(trigger, event), clockDomain, occurredAt },
    ];
  });
}
