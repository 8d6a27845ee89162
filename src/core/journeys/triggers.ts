import type { Condition } from '../audiences/condition.js';
import { attributeAt, evaluateCondition } from '../audiences/evaluate-condition.js';

/** Lets everybody in to whom an event of this name happens. */
export interface EventTrigger {
  readonly kind: 'event';
  readonly event: string;
  /** On the properties of the event. */
  readonly where?: Condition | undefined;
  /** What tells the runs of a parallel journey apart; the message id when left out. */
  readonly entry_key?: 'message_id' | { readonly property: string } | undefined;
}

/** Enrols everybody who meets a condition, at set times. */
export interface ScheduleTrigger {
  readonly kind: 'schedule';
  /** Five fields: minute, hour, day of the month, month, day of the week (0 is Sunday). Exactly one of `cron` and `at`. */
  readonly cron?: string | undefined;
  /** `HH:MM`, every day unless one of the two below says less. */
  readonly at?: string | undefined;
  readonly weekdays?: readonly Weekday[] | undefined;
  /** 1-31; a month that has no such day is left out. */
  readonly day_of_month?: number | undefined;
  /** IANA zone, or `user`: at that time by each user's own clock. */
  readonly time_zone: string;
  /** On the profile. */
  readonly where: Condition;
  readonly per_second?: number | undefined;
  readonly spread?: string | undefined;
}

/** A day of the week by its name. */
type Weekday = 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday';

/** What lets people into a journey by itself. */
export type Trigger = EventTrigger | ScheduleTrigger;

/** An event, as far as triggers look at it. */
interface TriggeringEvent {
  readonly messageId: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** The first of a journey's triggers on the event's name whose condition it meets; null where it meets none. */
export function triggerOf(triggers: readonly EventTrigger[], { properties }: TriggeringEvent): EventTrigger | null {
  const isMet = ({ where }: EventTrigger): boolean =>
    where === undefined || evaluateCondition({ condition: where, attributes: properties });
  return triggers.find(isMet) ?? null;
}

/**
 * What tells the run of this event apart from others of the same user, as the event says it; null where the event does
 * not hold it. Texts and numbers tell runs apart, nothing else does.
 */
export function keyOfEvent(
  { entry_key: key }: EventTrigger,
  { messageId, properties }: TriggeringEvent,
): string | null {
  if (key === undefined || key === 'message_id') return messageId;
  const value = attributeAt(properties, key.property);
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}
