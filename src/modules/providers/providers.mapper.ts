import type { ProviderAccountRow } from './provider-accounts.repository.js';
import type { ProviderView } from './providers.dto.js';

const text = (instant: number): string => new Date(instant).toISOString();

export const toProviderView = (row: ProviderAccountRow, callbackUrl: string): ProviderView => ({
  id: row.id,
  key: row.key,
  kind: row.kind,
  channel: row.channel,
  settings: row.settings,
  credentials: [...row.credentialNames],
  state: row.state,
  priority: row.priority,
  cost: row.cost,
  per_second: row.perSecond,
  callback_url: callbackUrl,
  created_at: text(row.createdAt),
  updated_at: text(row.updatedAt),
});
