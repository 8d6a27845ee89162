import type { WebhookEndpointView } from './webhook-endpoints.dto.js';
import type { WebhookEndpointRow } from './webhook-endpoints.repository.js';

const text = (instant: number): string => new Date(instant).toISOString();

export const toWebhookEndpointView = (row: WebhookEndpointRow): WebhookEndpointView => ({
  id: row.id,
  key: row.key,
  name: row.name,
  url: row.url,
  gone_at: row.goneAt === null ? null : text(row.goneAt),
  previous_secret_until: row.previousUntil === null ? null : text(row.previousUntil),
  created_at: text(row.createdAt),
  updated_at: text(row.updatedAt),
});
