import type { MigrationRunView, MigrationView } from './migrations.dto.js';
import type { MigrationRow, MigrationRunRow } from './migrations.repository.js';
import { migrationWorkflowId } from './migrations.starter.js';

const text = (instant: number): string => new Date(instant).toISOString();

export const toMigrationView = (migration: MigrationRow): MigrationView => ({
  id: migration.id,
  journey: migration.journeyKey,
  from_version: migration.fromVersion,
  to_version: migration.toVersion,
  steps: migration.steps,
  status: migration.state,
  runs_per_second: migration.runsPerSecond,
  runs: migration.counts,
  stayed_because: migration.stayedBecause,
  workflow_id: migrationWorkflowId(migration.id),
  created_by: migration.createdBy,
  created_at: text(migration.createdAt),
  finished_at: migration.finishedAt === null ? null : text(migration.finishedAt),
});

export const toMigrationRunView = (run: MigrationRunRow): MigrationRunView => ({
  run_id: run.runId,
  user_id: run.userId,
  state: run.state,
  reason: run.reason,
  from_step: run.fromStep,
  to_step: run.toStep,
  offered_at: text(run.offeredAt),
  settled_at: run.settledAt === null ? null : text(run.settledAt),
});
