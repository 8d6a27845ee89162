import type { SuppressionView } from './suppressions.dto.js';
import type { SuppressionRow } from './suppressions.repository.js';

export const toSuppressionView = (row: SuppressionRow): SuppressionView => ({
  id: row.id,
  user_id: row.userId,
  address_hash: row.addressHash,
  channel: row.channel,
  reason: row.reason,
  source: row.source,
  since: new Date(row.since).toISOString(),
  until: row.until === null ? null : new Date(row.until).toISOString(),
});
