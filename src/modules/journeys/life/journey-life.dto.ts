import { z } from 'zod';
import { lineOfText } from '../../../platform/http/fields.js';
import { JourneyView } from '../definitions/journeys.dto.js';

const REASON_MAX = 200;

/** Why a journey is moved, for whoever looks at it later. */
export const LifeMove = z
  .strictObject({ reason: lineOfText(REASON_MAX).optional().meta({ example: 'wrong price in the second mail' }) })
  .default({})
  .meta({ id: 'JourneyMove' });
export type LifeMove = z.infer<typeof LifeMove>;

const progress = {
  runs_total: z.number().int(),
  per_second: z.number().int(),
  started_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
};

/** A journey with how it fares now. */
export const JourneyLifeView = JourneyView.extend({
  runs_running: z.number().int(),
  stop: z
    .object({ runs_told: z.number().int(), ...progress })
    .nullable()
    .meta({ description: 'how far the runs of a stopped journey have been told to end' }),
  wake: z
    .object({ runs_woken: z.number().int(), ...progress })
    .nullable()
    .meta({ description: 'how far the runs that waited for the end of the last pause have been woken' }),
}).meta({ id: 'JourneyLife' });
export type JourneyLifeView = z.infer<typeof JourneyLifeView>;
