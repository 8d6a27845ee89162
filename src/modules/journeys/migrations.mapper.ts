import type { MigrationView } from './migrations.dto.js';
import type { MigrationRow } from './migrations.repository.js';
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
