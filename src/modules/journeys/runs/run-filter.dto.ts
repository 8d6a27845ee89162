import { z } from 'zod';
import { definitionKey, instant, lineOfText } from '../../../platform/http/fields.js';
import { pageFields } from '../../../platform/http/paging.js';
import { userReference } from '../../users/index.js';
import type { RunCount } from './runs.repository.js';

const TEXT_MAX = 300;
const STATES = ['starting', 'running', 'waiting', 'paused', 'completed', 'exited'] as const;

const filterFields = {
  journey: definitionKey.optional(),
  version: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'a whole number from 1 on')
    .transform(Number)
    .optional()
    .meta({ description: 'Of the journey, which must be named too.', example: '2' }),
  step: lineOfText(TEXT_MAX).optional().meta({ description: 'The step at which they wait, or waited last.' }),
  reason: lineOfText(TEXT_MAX)
    .optional()
    .meta({ description: 'Why they ended, in full.', example: 'exit_event:purchase' }),
  waits_for: lineOfText(TEXT_MAX).optional().meta({
    description:
      'Name of an event that would end the wait, or the reason code that a message was put off or refused for.',
    example: 'purchase',
  }),
  started_from: instant.optional().meta({ description: 'Entered then or later.' }),
  started_until: instant.optional().meta({ description: 'Entered before then.' }),
  ended_from: instant.optional().meta({ description: 'Ended then or later.' }),
  ended_until: instant.optional().meta({ description: 'Ended before then.' }),
  clock_domain: lineOfText(31).optional(),
};

const versionNeedsJourney = {
  check: ({ version, journey }: { readonly version?: number | undefined; readonly journey?: string | undefined }) =>
    version === undefined || journey !== undefined,
  message: { message: 'names a version of a journey: say which', path: ['version'] },
};

export const RunQueryDto = z
  .strictObject({
    ...pageFields,
    ...filterFields,
    user_id: userReference.optional(),
    state: z.enum(STATES).optional(),
  })
  .refine(versionNeedsJourney.check, versionNeedsJourney.message);
export type RunQueryDto = z.infer<typeof RunQueryDto>;

export const RunCountQuery = z
  .strictObject(filterFields)
  .refine(versionNeedsJourney.check, versionNeedsJourney.message);
export type RunCountQuery = z.infer<typeof RunCountQuery>;

const runs = z.number().int();
const state = z.enum(STATES);
export const RunCountsView = z
  .object({
    total: runs,
    by_state: z.array(z.object({ state, runs })),
    by_step: z
      .array(z.object({ step_id: z.string().nullable(), state, runs }))
      .meta({ description: 'the step at which they wait, or waited last; null: they have not waited yet' }),
    by_reason: z
      .array(z.object({ reason: z.string(), state, runs }))
      .meta({ description: 'of those that are over; the most frequent first' }),
  })
  .meta({ id: 'RunCounts' });
export type RunCountsView = z.infer<typeof RunCountsView>;

export function toRunCountsView(counts: readonly RunCount[]): RunCountsView {
  const of = (by: RunCount['by']): readonly RunCount[] => counts.filter((count) => count.by === by);
  return {
    total: of('state').reduce((sum, count) => sum + count.runs, 0),
    by_state: of('state').map((count) => ({ state: count.state, runs: count.runs })),
    by_step: of('step').map((count) => ({ step_id: count.stepId, state: count.state, runs: count.runs })),
    by_reason: of('reason').flatMap(({ reason, ...count }) =>
      reason === null ? [] : [{ reason, state: count.state, runs: count.runs }],
    ),
  };
}
