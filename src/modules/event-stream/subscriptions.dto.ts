import { z } from 'zod';
import { definitionKey, instant, lineOfText } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { EVENT_PATTERNS, EVENT_TYPES, TEST_TYPE } from './event-types.js';

const NAME_MAX = 200;
const REPLAYED_IDS_MAX = 1_000;
const STATES = ['active', 'paused', 'disabled'] as const;
const MESSAGE_STATES = ['pending', 'delivered', 'dead', 'dropped'] as const;
const ATTEMPT_STATES = ['delivered', 'failed'] as const;

const fields = {
  name: lineOfText(NAME_MAX).meta({ example: 'Data warehouse' }),
  endpoint: definitionKey.meta({ description: 'Key of a webhook endpoint: it has the address and the secret.' }),
  types: z
    .array(z.enum(EVENT_PATTERNS))
    .min(1)
    .max(EVENT_PATTERNS.length)
    .meta({
      description: 'Types of events; `delivery.*` is all of a kind, `*` is everything.',
      example: ['delivery.*'],
    }),
  format: z.enum(['standard', 'cloudevents']).meta({
    description: '`standard`: as Standard Webhooks recommends; `cloudevents`: CloudEvents 1.0, structured JSON.',
    example: 'standard',
  }),
};
const example = { key: 'warehouse', name: 'Data warehouse', endpoint: 'shop', types: ['delivery.*', 'decision.made'] };

export const NewEventSubscription = z
  .strictObject({ key: definitionKey, ...fields, format: fields.format.default('standard') })
  .meta({ id: 'NewEventSubscription', example });
export type NewEventSubscription = z.infer<typeof NewEventSubscription>;

/** What is left out stays as it is. */
export const EventSubscriptionChange = z
  .strictObject({
    ...fields,
    state: z.enum(STATES).meta({
      description: '`paused`: events are kept and sent when it is active again; `disabled`: none are kept either.',
      example: 'paused',
    }),
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'name what is to change')
  .meta({ id: 'EventSubscriptionChange', example: { state: 'paused' } });
export type EventSubscriptionChange = z.infer<typeof EventSubscriptionChange>;

export const EventSubscriptionFilter = z.strictObject(pageFields);
export type EventSubscriptionFilter = z.infer<typeof EventSubscriptionFilter>;

export const EventSubscriptionView = z
  .object({
    id: z.uuid(),
    key: z.string(),
    ...fields,
    types: z.array(z.string()),
    state: z.enum(STATES),
    reason: z.string().nullable().meta({
      description:
        'Why it is disabled: `operator`, or what its endpoint answered or lacked, e.g. `gone`. `failing`: paused because nothing was accepted for too long.',
    }),
    held_until: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'Until when nothing is sent, because the receiver had too much.' }),
    failing_since: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'Since when every attempt failed; null: the last one succeeded, or there was none.' }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'EventSubscription' });
export type EventSubscriptionView = z.infer<typeof EventSubscriptionView>;

export const EventSubscriptionPage = pageOf(EventSubscriptionView);

const time = {
  since: instant.optional().meta({ description: 'From this instant on.', example: '2027-06-15T01:30:00Z' }),
  until: instant.optional().meta({ description: 'Before this instant.', example: '2027-06-16T01:30:00Z' }),
};

export const SubscribedEventQuery = z.strictObject({
  ...pageFields,
  ...time,
  state: z.enum(MESSAGE_STATES).optional().meta({ example: 'dead' }),
  type: z.enum(EVENT_TYPES).optional().meta({ example: 'delivery.sent' }),
});
export type SubscribedEventQuery = z.infer<typeof SubscribedEventQuery>;

export const SubscribedEventView = z
  .object({
    id: z.uuid().meta({ description: 'Sent as `webhook-id`, and as `id` of a CloudEvent.' }),
    type: z.string(),
    subject: z.string().meta({ description: 'What it is about, as a path below `/api`.' }),
    at: z.iso.datetime(),
    data: z.record(z.string(), z.unknown()).nullable().meta({ description: 'Null once the person is erased.' }),
    state: z.enum(MESSAGE_STATES).meta({
      description: '`dead`: all attempts failed; `dropped`: the person was erased before it was sent.',
    }),
    attempts: z.int(),
    next_attempt_at: z.iso.datetime().nullable(),
    settled_at: z.iso.datetime().nullable(),
    because: z.string().nullable().meta({ description: 'Why the last attempt failed.', example: 'status_503' }),
  })
  .meta({ id: 'SubscribedEvent' });
export type SubscribedEventView = z.infer<typeof SubscribedEventView>;

export const SubscribedEventPage = pageOf(SubscribedEventView);

export const EventAttemptQuery = z.strictObject({
  ...pageFields,
  ...time,
  state: z.enum(ATTEMPT_STATES).optional().meta({ example: 'failed' }),
  type: z
    .enum([...EVENT_TYPES, TEST_TYPE])
    .optional()
    .meta({ example: 'delivery.sent' }),
});
export type EventAttemptQuery = z.infer<typeof EventAttemptQuery>;

export const EventAttemptView = z
  .object({
    id: z.uuid(),
    event_id: z.uuid(),
    type: z.string(),
    attempt: z.int().meta({ description: 'From 1; anew after a replay.' }),
    state: z.enum(ATTEMPT_STATES),
    status: z.int().nullable().meta({ description: 'Of the answer; null where none came.' }),
    because: z.string().nullable().meta({ example: 'status_503' }),
    duration_ms: z.int(),
    answer: z
      .string()
      .nullable()
      .meta({ description: 'The first 500 characters of its body; null where there is none, or more than 16 KB.' }),
    at: z.iso.datetime(),
  })
  .meta({ id: 'EventAttempt' });
export type EventAttemptView = z.infer<typeof EventAttemptView>;

export const EventAttemptPage = pageOf(EventAttemptView);

export const NewEventReplay = z
  .strictObject({
    ...time,
    event_ids: z.array(z.uuid()).min(1).max(REPLAYED_IDS_MAX).optional(),
    only_dead: z.boolean().default(false).meta({ description: 'Only what all attempts failed for.' }),
  })
  .refine(
    ({ since, until, event_ids: ids, only_dead: isDeadOnly }) =>
      isDeadOnly || [since, until, ids].some((each) => each !== undefined),
    'name a time, events, or only_dead',
  )
  .meta({ id: 'NewEventReplay', example: { since: '2027-06-15T01:30:00Z', until: '2027-06-15T02:30:00Z' } });
export type NewEventReplay = z.infer<typeof NewEventReplay>;

export const EventReplayView = z
  .object({
    id: z.uuid(),
    since: z.iso.datetime().nullable(),
    until: z.iso
      .datetime()
      .meta({ description: 'Not after it began: what is sent again is not sent again and again.' }),
    event_ids: z.array(z.uuid()).nullable(),
    only_dead: z.boolean(),
    queued: z.int().meta({ description: 'How many events have been put back so far, to be sent in their turn.' }),
    started_at: z.iso.datetime(),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'EventReplay' });
export type EventReplayView = z.infer<typeof EventReplayView>;

export const EventReplayPage = pageOf(EventReplayView);
