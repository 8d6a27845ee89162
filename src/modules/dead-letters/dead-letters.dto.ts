import { z } from 'zod';
import { HOUR_MS } from '../../core/kernel/instant.js';
import { definitionKey, instant, lineOfText, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { DeliveryView } from '../deliveries/index.js';
import { userReference } from '../users/index.js';
import { BLOCKERS, FAILURE_CLASSES } from './dead-letter-rows.js';
import { REPLAY_STATES } from './replay-outcome.js';

const REASON_MAX = 300;
const FAILURE_MAX = 200;
const WITHIN_HOURS_MAX = 168;
const WITHIN_HOURS_DEFAULT = 72;
/** So many are chosen in one statement. */
const REPLAYS_MAX = 10_000;

const filterFields = {
  failure_class: z.enum(FAILURE_CLASSES).optional().meta({
    description:
      '`refused`: its provider did not take it. `failed_later`: its provider took it, and told later that it failed. `unknown`: nobody can tell.',
  }),
  channel: word.optional().meta({ example: 'email' }),
  provider: lineOfText(100).optional().meta({ description: 'Key of the account.', example: 'grid' }),
  journey: definitionKey.optional(),
  template: definitionKey.optional(),
  failure: lineOfText(FAILURE_MAX)
    .optional()
    .meta({ description: 'How the words of the failure begin.', example: 'status 400' }),
  user_id: userReference.optional(),
  from: instant.optional().meta({ description: 'Failed then or later.' }),
  to: instant.optional().meta({ description: 'Failed before then.' }),
};

export const DeadLetterQuery = z.strictObject({
  ...pageFields,
  ...filterFields,
  state: z.enum(['failed', 'unknown']).optional(),
  replayable: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .meta({ description: '`true`: only those that can be replayed.', example: 'true' }),
});
export type DeadLetterQuery = z.infer<typeof DeadLetterQuery>;

export const DeadLetterSummaryQuery = DeadLetterQuery.omit({ limit: true, cursor: true });
export type DeadLetterSummaryQuery = z.infer<typeof DeadLetterSummaryQuery>;

const orderFields = {
  reason: lineOfText(REASON_MAX).meta({
    description: 'Why; it stays in the audit trail, so that it must name nobody.',
    example: 'the key of the account was renewed',
  }),
  within_hours: z
    .int()
    .min(1)
    .max(WITHIN_HOURS_MAX)
    .default(WITHIN_HOURS_DEFAULT)
    .transform((hours) => hours * HOUR_MS)
    .meta({ description: 'For how long it may be put off before it expires.', example: 72 }),
};

export const NewReplay = z.strictObject(orderFields).meta({ id: 'NewDeadLetterReplay' });
export type NewReplay = z.infer<typeof NewReplay>;

export const NewBulkReplay = z
  .strictObject({
    ...orderFields,
    filter: z.strictObject(filterFields).meta({
      description: 'As in the list; only those that can be replayed are chosen.',
      example: { provider: 'grid' },
    }),
    max: z.int().min(1).max(REPLAYS_MAX).meta({ description: 'The oldest so many.', example: 500 }),
  })
  .meta({ id: 'NewDeadLetterReplays' });
export type NewBulkReplay = z.infer<typeof NewBulkReplay>;

const instantView = z.iso.datetime();

export const ReplayView = z
  .object({
    id: z.uuid(),
    delivery_id: z.uuid(),
    bulk_id: z.uuid().nullable().meta({ description: 'Of the order for many that it belongs to.' }),
    state: z.enum(REPLAY_STATES),
    explanation: z.string().meta({ description: 'Where it stands, in one sentence.' }),
    code: z.string().nullable().meta({ description: 'Why it was put off, or ended.' }),
    decision_id: z.uuid().nullable().meta({ description: 'The decision that said so.' }),
    reason: z.string(),
    ordered_by: z.string(),
    next_at: instantView.nullable().meta({ description: 'When it is asked next; null: it is over.' }),
    expires_at: instantView,
    created_at: instantView,
    ended_at: instantView.nullable(),
  })
  .meta({ id: 'DeadLetterReplay' });
export type ReplayView = z.infer<typeof ReplayView>;

export const DeadLetterView = DeliveryView.extend({
  journey: z.string().nullable(),
  failure_class: z.enum(FAILURE_CLASSES).nullable().meta({ description: 'null: it is no dead letter any more' }),
  is_replayable: z.boolean(),
  blocker: z
    .enum(Object.keys(BLOCKERS) as [keyof typeof BLOCKERS])
    .nullable()
    .meta({ description: 'Why it cannot be replayed; null: it can.' }),
  explanation: z.string().meta({ description: 'What is to be known of it, in one sentence.' }),
}).meta({ id: 'DeadLetter' });
export type DeadLetterView = z.infer<typeof DeadLetterView>;

export const DeadLetterPage = pageOf(DeadLetterView);

export const DeadLetterDetailView = DeadLetterView.extend({
  replays: z.array(ReplayView).meta({ description: 'Newest first, the latest 50.' }),
}).meta({ id: 'DeadLetterDetail' });
export type DeadLetterDetailView = z.infer<typeof DeadLetterDetailView>;

const count = z.int();
export const DeadLetterSummaryView = z
  .object({
    total: count,
    replayable: count,
    is_complete: z.boolean().meta({ description: 'false: there are more groups than the 500 most frequent' }),
    groups: z.array(
      z.object({
        state: z.enum(['failed', 'unknown']),
        failure_class: z.enum(FAILURE_CLASSES),
        provider: z.string(),
        channel: z.string(),
        failure: z.string().nullable(),
        deliveries: count,
        replayable: count,
      }),
    ),
  })
  .meta({ id: 'DeadLetterSummary' });
export type DeadLetterSummaryView = z.infer<typeof DeadLetterSummaryView>;

const BULK_STATES = ['running', 'done', 'cancelled'] as const;

export const BulkReplayView = z
  .object({
    id: z.uuid(),
    state: z.enum(BULK_STATES).meta({ description: '`cancelled`: what was under way then still ends by itself.' }),
    explanation: z.string().meta({ description: 'Where it stands, in one sentence.' }),
    max: count,
    chosen: count.meta({ description: 'How many dead letters were found.' }),
    replays: z.object(
      Object.fromEntries(REPLAY_STATES.map((state) => [state, count])) as Record<
        (typeof REPLAY_STATES)[number],
        typeof count
      >,
    ),
    reason: z.string(),
    ordered_by: z.string(),
    created_at: instantView,
    cancelled_at: instantView.nullable(),
  })
  .meta({ id: 'DeadLetterReplays' });
export type BulkReplayView = z.infer<typeof BulkReplayView>;

export const BulkReplayQuery = z.strictObject(pageFields);
export type BulkReplayQuery = z.infer<typeof BulkReplayQuery>;
export const BulkReplayPage = pageOf(BulkReplayView);
