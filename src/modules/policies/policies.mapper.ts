import type { PolicyView } from './policies.dto.js';
import type { PolicyRow } from './policies.repository.js';

export const toPolicyView = (row: PolicyRow): PolicyView => ({
  id: row.id,
  key: row.key,
  version: row.version,
  kind: row.kind,
  is_active: row.isActive,
  definition: row.definition,
  created_at: new Date(row.createdAt).toISOString(),
});
