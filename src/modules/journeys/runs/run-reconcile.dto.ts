import { z } from 'zod';
import { definitionKey } from '../../../platform/http/fields.js';
import { pageFields, pageOf } from '../../../platform/http/paging.js';
import type { ReconcileRow } from './run-reconcile.repository.js';

const ALL = '*';

export const ReconcileRequest = z
  .strictObject({
    journey: z
      .union([definitionKey, z.literal(ALL)])
      .transform((journey) => (journey === ALL ? null : journey))
      .meta({ description: 'Only runs of this journey; `*`: of all journeys.', example: 'welcome' }),
  })
  .meta({ id: 'ReconcileRequest' });
export type ReconcileRequest = z.infer<typeof ReconcileRequest>;

export const ReconcileQuery = z.strictObject(pageFields);
export type ReconcileQuery = z.infer<typeof ReconcileQuery>;

const count = z.number().int();
export const ReconcileView = z
  .object({
    id: z.uuid(),
    journey: z.string().nullable(),
    state: z.enum(['running', 'done', 'cancelled', 'failed']),
    checked: count.meta({ description: 'runs that were compared with Temporal' }),
    mended: count.meta({ description: 'those of them whose rows were put right' }),
    lost: count.meta({
      description: 'those of which Temporal knows nothing, or that were terminated: they are recorded as over',
    }),
    unanswered: count.meta({ description: 'those that could not tell how they stand; they are left alone' }),
    strangers: count.meta({ description: 'running workflows that no run belongs to; they are left alone' }),
    unsubscribed: count.meta({
      description: 'subscriptions to events that were taken away: their runs are over, or do not react to the event',
    }),
    created_by: z.string(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    finished_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'RunReconcile' });
export type ReconcileView = z.infer<typeof ReconcileView>;

export const ReconcilePage = pageOf(ReconcileView);

const text = (instant: number): string => new Date(instant).toISOString();

export const toReconcileView = (job: ReconcileRow): ReconcileView => ({
  id: job.id,
  journey: job.journey,
  state: job.state,
  checked: job.checked,
  mended: job.mended,
  lost: job.lost,
  unanswered: job.unanswered,
  strangers: job.strangers,
  unsubscribed: job.unsubscribed,
  created_by: job.createdBy,
  created_at: text(job.createdAt),
  updated_at: text(job.updatedAt),
  finished_at: job.finishedAt === null ? null : text(job.finishedAt),
});
