import type { JourneyVersionView, JourneyView, RunView } from './journeys.dto.js';
import type { JourneyRow, JourneyVersionRow } from './journeys.repository.js';
import { workflowIdOf } from './run-gateway.js';
import type { RunRow } from './runs.repository.js';

const text = (instant: number): string => new Date(instant).toISOString();
const textOrNull = (instant: number | null): string | null => (instant === null ? null : text(instant));

export const toJourneyView = (journey: JourneyRow): JourneyView => ({
  id: journey.id,
  key: journey.key,
  name: journey.name,
  status: journey.status,
  status_since: text(journey.statusSince),
  status_by: journey.statusBy,
  status_reason: journey.statusReason,
  current_version: journey.currentVersion,
  definition: journey.definition,
  created_at: text(journey.createdAt),
  updated_at: text(journey.updatedAt),
});

export const toVersionView = (version: JourneyVersionRow): JourneyVersionView => ({
  version: version.version,
  content_hash: version.contentHash,
  definition: version.definition,
  published_at: text(version.publishedAt),
});

export const toRunView = (run: RunRow): RunView => ({
  id: run.id,
  run_key: run.runKey,
  workflow_id: workflowIdOf(run.runKey),
  user_id: run.userId,
  journey: run.journeyKey,
  version: run.version,
  clock_domain: run.clockDomain,
  state: run.state,
  step_id: run.stepId,
  waits_for: run.waitsFor,
  waits_until: textOrNull(run.waitsUntil),
  reason: run.reason,
  started_at: text(run.startedAt),
  ended_at: textOrNull(run.endedAt),
  goals: run.goals.map(({ goal, reachedAt }) => ({ goal, reached_at: text(reachedAt) })),
});
