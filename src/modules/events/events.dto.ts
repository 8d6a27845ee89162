import { z } from 'zod';
import { clockDomain, instant, jsonObject, lineOfText } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { userReference } from '../users/index.js';

const NAME_MAX = 200;
const MESSAGE_ID_MAX = 99;
const JSON_BYTES_MAX = 32_768;
const BATCH_MAX = 500;

/** Something that a person did. */
export const NewEvent = z
  .strictObject({
    user_id: userReference,
    event_type: z.enum(['track', 'page', 'screen', 'identify', 'group', 'alias']).default('track'),
    event_name: lineOfText(NAME_MAX).meta({ example: 'pricing_view' }),
    properties: jsonObject(JSON_BYTES_MAX).default({}),
    context: jsonObject(JSON_BYTES_MAX).default({}),
    timestamp: instant.optional().meta({ description: 'When it happened; now when left out.' }),
    message_id: lineOfText(MESSAGE_ID_MAX)
      .optional()
      .meta({ description: 'The same id again has no effect, however much later.', example: 'order-1138' }),
    clock_domain: clockDomain,
  })
  .meta({
    id: 'NewEvent',
    example: { user_id: 'ext:customer-42', event_type: 'track', event_name: 'pricing_view' },
  });
export type NewEvent = z.infer<typeof NewEvent>;

const EventBatch = z.strictObject({ events: z.array(NewEvent).min(1).max(BATCH_MAX) }).meta({ id: 'EventBatch' });

/** One event, or a batch of them. */
export const EventsBody = z.union([EventBatch, NewEvent]);
export type EventsBody = z.infer<typeof EventsBody>;

export const EventFilter = z.strictObject({
  ...pageFields,
  user_id: userReference,
  event_name: lineOfText(NAME_MAX).optional(),
});
export type EventFilter = z.infer<typeof EventFilter>;

export const EventResult = z
  .object({
    id: z.uuid().nullable(),
    message_id: z.string(),
    status: z.enum(['accepted', 'duplicate', 'refused']),
    reason: z.string().optional(),
  })
  .meta({ id: 'EventResult' });
export type EventResult = z.infer<typeof EventResult>;

export const EventResults = z
  .object({ results: z.array(EventResult) })
  .meta({ id: 'EventResults', description: 'One event is answered with one result, a batch with a list.' });
export type EventResults = z.infer<typeof EventResults>;

export const EventView = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    message_id: z.string(),
    event_type: z.string(),
    event_name: z.string(),
    properties: z.record(z.string(), z.unknown()),
    context: z.record(z.string(), z.unknown()),
    timestamp: z.string(),
    received_at: z.string(),
    clock_domain: z.string(),
  })
  .meta({ id: 'Event' });
export type EventView = z.infer<typeof EventView>;

export const EventPage = pageOf(EventView);
