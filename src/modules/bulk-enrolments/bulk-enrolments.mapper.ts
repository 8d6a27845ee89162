import type { BulkEnrolmentView, EntryRefusalView } from './bulk-enrolments.dto.js';
import type { BulkRow } from './bulk-enrolments.repository.js';
import type { RefusalRow } from './bulk-refusals.repository.js';

const text = (instant: number): string => new Date(instant).toISOString();
const textOrNull = (instant: number | null): string | null => (instant === null ? null : text(instant));
const two = (value: number): string => String(value).padStart(2, '0');

export function toBulkView(row: BulkRow): BulkEnrolmentView {
  const { usersTotal, lookedAt, entered, alreadyIn, refused, localMinute } = row;
  return {
    id: row.id,
    journey: row.journeyKey,
    source: row.source,
    state: row.state,
    waits_for: row.waitsFor,
    fault: row.fault,
    per_second: row.perSecond,
    spread_seconds: row.spreadMs / 1_000,
    entry_key: row.entryKey,
    start_at: textOrNull(row.startAt),
    local_time: localMinute === null ? null : `${two(Math.floor(localMinute / 60))}:${two(localMinute % 60)}`,
    counts: {
      users_total: usersTotal,
      looked_at: lookedAt,
      passed_over: lookedAt - entered - alreadyIn - refused,
      entered,
      already_in: alreadyIn,
      refused,
    },
    refused_by: { ...row.refusedBy },
    progress: progressOf(row),
    rate: rateOf(row),
    created_by: row.createdBy,
    created_at: text(row.createdAt),
    started_at: textOrNull(row.startedAt),
    finished_at: textOrNull(row.finishedAt),
  };
}

export const toRefusalView = (row: RefusalRow): EntryRefusalView => ({
  id: row.id,
  line: row.line,
  user_id: row.userId,
  code: row.code,
  detail: row.detail,
  refused_at: text(row.refusedAt),
});

/** People who were erased meanwhile are not looked at: done is done. */
function progressOf({ state, usersTotal, lookedAt }: BulkRow): number {
  if (state === 'done') return 1;
  return usersTotal === 0 ? 0 : Math.min(1, lookedAt / usersTotal);
}

function rateOf({ startedAt, finishedAt, updatedAt, lookedAt }: BulkRow): number | null {
  if (startedAt === null) return null;
  const elapsedMs = (finishedAt ?? updatedAt) - startedAt;
  return elapsedMs > 0 ? Math.round((lookedAt * 10_000) / elapsedMs) / 10 : null;
}
