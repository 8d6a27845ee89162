import { createHash } from 'node:crypto';
import { isValidZone } from '../../core/kernel/zone.js';
import { newId } from '../../platform/random/ids.js';
import type { DeviceZone } from '../users/index.js';
import type { NewEventRow } from './events.repository.js';

/** Name of the event that tells of a `context.timezone` which is no time zone. */
export const INVALID_TIMEZONE = 'data_quality.invalid_timezone';

const VALUE_SHOWN_MAX = 64;

/** What events say about where people are, and the faults in it. */
export interface DeviceZones {
  /** Each user once, by the newest event. */
  readonly zones: readonly DeviceZone[];
  /** Events to store beside the others: one for each user and value, however often it is sent. */
  readonly faults: readonly NewEventRow[];
}

/**
 * Reads `context.timezone` of real events. Virtual time is for trying things out and moves nobody. An event that claims
 * to be from the future counts as of when it came.
 */
export function readDeviceZones(events: readonly NewEventRow[]): DeviceZones {
  const zones = new Map<string, DeviceZone>();
  const faults: NewEventRow[] = [];
  for (const event of events) {
    const value = event.context.timezone ?? null;
    if (value === null || event.clockDomain !== 'real') continue;
    if (typeof value !== 'string' || !isValidZone(value)) {
      faults.push(toFault(event, value));
      continue;
    }
    const { userId } = event;
    const at = Math.min(event.occurredAt, event.receivedAt);
    if (at >= (zones.get(userId)?.at ?? 0)) zones.set(userId, { userId, zone: value, at });
  }
  return { zones: [...zones.values()], faults: [...new Map(faults.map((fault) => [fault.messageId, fault])).values()] };
}

function toFault(event: NewEventRow, value: unknown): NewEventRow {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const fingerprint = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return {
    ...event,
    id: newId(),
    messageId: `${INVALID_TIMEZONE}:${event.userId}:${fingerprint}`,
    type: 'track',
    name: INVALID_TIMEZONE,
    properties: { value: text.slice(0, VALUE_SHOWN_MAX).toWellFormed(), message_id: event.messageId },
    context: {},
  };
}
