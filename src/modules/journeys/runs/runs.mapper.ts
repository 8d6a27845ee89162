import { workflowIdOf } from './run-gateway.js';
import type { RunView } from './runs.dto.js';
import type { RunRow } from './runs.repository.js';

const text = (instant: number): string => new Date(instant).toISOString();
const textOrNull = (instant: number | null): string | null => (instant === null ? null : text(instant));

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
