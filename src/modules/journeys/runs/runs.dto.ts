import { z } from 'zod';
import { lineOfText } from '../../../platform/http/fields.js';

const REASON_MAX = 200;

export const ExitRequest = z
  .strictObject({ reason: lineOfText(REASON_MAX).default('operator') })
  .default({ reason: 'operator' })
  .meta({ id: 'ExitRequest' });
export type ExitRequest = z.infer<typeof ExitRequest>;

const nullable = z.string().nullable();
const instant = z.iso.datetime().nullable();
export const RunView = z
  .object({
    id: z.uuid(),
    run_key: z.string(),
    /** Finds the run in the Temporal UI. */
    workflow_id: z.string(),
    user_id: z.uuid(),
    journey: z.string(),
    version: z.number().int(),
    clock_domain: z.string(),
    state: z.enum(['starting', 'running', 'waiting', 'paused', 'completed', 'exited']),
    step_id: nullable,
    waits_for: nullable,
    waits_until: instant,
    reason: nullable,
    started_at: z.iso.datetime(),
    ended_at: instant,
    goals: z
      .array(z.object({ goal: z.string(), reached_at: z.iso.datetime() }))
      .meta({ description: 'goals that its `goal` steps noted, in the order in which they were reached' }),
  })
  .meta({ id: 'Run' });
export type RunView = z.infer<typeof RunView>;
