import type { ApiKeyView, AuditEntryView } from './access.dto.js';
import type { ApiKeyRow } from './api-keys.repository.js';
import type { AuditRow } from './audit-log.js';

const text = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export const toApiKeyView = (key: ApiKeyRow): ApiKeyView => ({
  id: key.id,
  name: key.name,
  scopes: [...key.scopes],
  created_at: new Date(key.createdAt).toISOString(),
  expires_at: text(key.expiresAt),
  last_used_at: text(key.lastUsedAt),
  revoked_at: text(key.revokedAt),
});

export const toAuditEntryView = (entry: AuditRow): AuditEntryView => ({
  ...entry,
  at: new Date(entry.at).toISOString(),
});
