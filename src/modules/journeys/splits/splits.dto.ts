import { z } from 'zod';
import { clockDomain, definitionKey } from '../../../platform/http/fields.js';
import { pageFields, pageOf } from '../../../platform/http/paging.js';

export const ExposureQuery = z.strictObject({
  ...pageFields,
  arm: definitionKey.optional().meta({ description: 'only runs of this arm', example: 'control' }),
  exposed: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'true: only those that met their arm; false: only those that have not' }),
  clock_domain: clockDomain,
});
export type ExposureQuery = z.infer<typeof ExposureQuery>;

const instant = z.iso.datetime();
const count = z.number().int();

/** One run at one split. */
export const ExposureView = z
  .object({
    run_id: z.uuid(),
    user_id: z.uuid(),
    version: count.meta({ description: 'of the journey, whose arms and percentages the run drew among' }),
    arm: z.string(),
    assigned_at: instant,
    exposed_at: instant.nullable().meta({ description: 'when the user met the arm; null: not yet, or never' }),
    exposed_by: z
      .enum(['delivery', 'silence'])
      .nullable()
      .meta({ description: 'by a message, or by one that is left out on purpose' }),
    delivery_id: z.uuid().nullable(),
  })
  .meta({ id: 'SplitExposure' });
export type ExposureView = z.infer<typeof ExposureView>;
export const ExposurePage = pageOf(ExposureView);

const SampleRatioView = z
  .object({
    chi_square: z.number().nullable().meta({ description: 'null: beyond all bounds' }),
    degrees_of_freedom: count,
    p_value: z.number(),
    is_mismatch: z.boolean().meta({ description: 'p is below 0.001: believe no difference between the arms' }),
  })
  .nullable()
  .meta({ id: 'SampleRatio', description: 'null: too few users to tell' });
export type SampleRatioView = z.infer<typeof SampleRatioView>;

/** What became of a split. */
export const SplitView = z
  .object({
    step_id: z.string(),
    arms: z.array(
      z.object({
        arm: z.string(),
        percent: z.number().nullable().meta({ description: 'in the newest version; null: it has no such arm' }),
        users_assigned: count,
        users_exposed: count,
        by_delivery: count,
        by_silence: count,
      }),
    ),
    sample_ratio: z.object({ assigned: SampleRatioView, exposed: SampleRatioView }).meta({
      description:
        'whether as many users came to each arm, and met it, as the percentages of their version say; users who were ' +
        'moved from another version are left out',
    }),
  })
  .meta({ id: 'Split' });
export type SplitView = z.infer<typeof SplitView>;
