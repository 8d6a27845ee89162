import { z } from 'zod';
import { pageFields, pageOf } from '../../../platform/http/paging.js';
import type { RunRejectRow } from './runs.repository.js';

export const RunRejectFilter = z.strictObject(pageFields);
export type RunRejectFilter = z.infer<typeof RunRejectFilter>;

export const RunRejectView = z
  .object({
    id: z.uuid(),
    message_id: z.string(),
    event_name: z.string(),
    timestamp: z.iso.datetime(),
  })
  .meta({
    id: 'RunReject',
    description: 'an event that met none of the conditions that the run has on events of its name',
  });
export type RunRejectView = z.infer<typeof RunRejectView>;

export const RunRejectPage = pageOf(RunRejectView);

export const toRunRejectView = (reject: RunRejectRow): RunRejectView => ({
  id: reject.id,
  message_id: reject.messageId,
  event_name: reject.name,
  timestamp: new Date(reject.occurredAt).toISOString(),
});
