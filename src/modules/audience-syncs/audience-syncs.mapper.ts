import type { AudienceMemberView, AudienceSyncView } from './audience-syncs.dto.js';
import type { MemberCounts, MemberRow } from './audience-members.repository.js';
import type { AudienceSyncRow } from './audience-syncs.repository.js';

const text = (instant: number): string => new Date(instant).toISOString();
const textOrNull = (instant: number | null): string | null => (instant === null ? null : text(instant));

export const toAudienceSyncView = (row: AudienceSyncRow, counts: MemberCounts): AudienceSyncView => ({
  id: row.id,
  key: row.key,
  name: row.name,
  base_url: row.baseUrl,
  audience_id: row.audienceId,
  purpose: row.purpose,
  brand: row.brand,
  identifiers: [...row.identifiers],
  where: row.condition,
  state: row.state,
  members: { present: counts.present, to_add: counts.toAdd, to_remove: counts.toRemove },
  failure: row.failure,
  round_started_at: textOrNull(row.roundStartedAt),
  round_ended_at: textOrNull(row.roundEndedAt),
  created_at: text(row.createdAt),
  updated_at: text(row.updatedAt),
});

export const toAudienceMemberView = (row: MemberRow): AudienceMemberView => ({
  id: row.id,
  user_id: row.userId,
  kind: row.kind,
  state: row.isWanted ? (row.actual === 'present' ? 'present' : 'to_add') : 'to_remove',
  updated_at: text(row.updatedAt),
});
