import type { PolicyView, WakeView } from './policies.dto.js';
import type { PolicyRow } from './policies.repository.js';
import type { WakeRow } from './policy-wakes.repository.js';

export const toPolicyView = (row: PolicyRow): PolicyView => ({
  id: row.id,
  key: row.key,
  version: row.version,
  kind: row.kind,
  is_active: row.isActive,
  definition: row.definition,
  created_at: new Date(row.createdAt).toISOString(),
  deactivated_at: row.deactivatedAt === null ? null : new Date(row.deactivatedAt).toISOString(),
});

export const toWakeView = (row: WakeRow): WakeView => ({
  id: row.id,
  policy_key: row.policyKey,
  because: row.because,
  runs_total: row.runsTotal,
  runs_woken: row.runsWoken,
  per_second: row.perSecond,
  started_at: new Date(row.startedAt).toISOString(),
  finished_at: row.finishedAt === null ? null : new Date(row.finishedAt).toISOString(),
});
