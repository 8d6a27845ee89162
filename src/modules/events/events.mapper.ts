import type { InstantMs } from '../../core/kernel/instant.js';
import type { UserEvent } from '../journeys/index.js';
import type { EventView, NewEvent } from './events.dto.js';
import type { EventRow, NewEventRow } from './events.repository.js';

export const toNewEventRow = (
  input: NewEvent,
  facts: { readonly id: string; readonly userId: string; readonly now: InstantMs },
): NewEventRow => ({
  id: facts.id,
  userId: facts.userId,
  // Without an id of the sender's an event is its own: nothing can be a copy of it.
  messageId: input.message_id ?? facts.id,
  type: input.event_type,
  name: input.event_name,
  properties: input.properties,
  context: input.context,
  occurredAt: input.timestamp ?? facts.now,
  receivedAt: facts.now,
  clockDomain: input.clock_domain,
});

export const toEventView = (event: EventRow): EventView => ({
  id: event.id,
  user_id: event.userId,
  message_id: event.messageId,
  event_type: event.type,
  event_name: event.name,
  properties: event.properties,
  context: event.context,
  timestamp: new Date(event.occurredAt).toISOString(),
  received_at: new Date(event.receivedAt).toISOString(),
  clock_domain: event.clockDomain,
});

export const toUserEvent = ({
  userId,
  messageId,
  name,
  occurredAt,
  properties,
  clockDomain,
}: NewEventRow): UserEvent => ({ userId, messageId, name, occurredAt, properties, clockDomain });
