import { z } from 'zod';
import { companyWindow, legalWindow, minuteOfDay, quietWindow } from './definition-fields.js';

const MINUTES_A_DAY = 1_440;
const QUIET_MINUTES_MAX = 20 * 60;

interface Effective {
  readonly effective_from: string | null;
  readonly effective_until: string | null;
}

const isOrdered = ({ effective_from, effective_until }: Effective): boolean =>
  effective_from === null || effective_until === null || effective_from < effective_until;
const ORDERED = { error: 'later than effective_from', path: ['effective_until'] };

/** Local times at which the company reaches nobody. */
export const QuietHours = z
  .strictObject({
    kind: z.literal('quiet_hours'),
    ...companyWindow,
    ...quietWindow,
    allow_long: z.boolean().default(false).meta({ description: 'Whether more than 20 hours are meant.' }),
  })
  .refine(({ start, end, allow_long }) => allow_long || quietMinutes(start, end) <= QUIET_MINUTES_MAX, {
    error: 'more than 20 hours of quiet, or the whole day: set allow_long if that is meant',
    path: ['end'],
  })
  .refine(isOrdered, ORDERED);
export type QuietHours = z.infer<typeof QuietHours>;

/** Local times at which a law lets nobody be reached who may be where it holds. */
export const LegalOverlay = z
  .strictObject({ kind: z.literal('legal_overlay'), ...legalWindow, ...quietWindow })
  .refine(isOrdered, ORDERED);
export type LegalOverlay = z.infer<typeof LegalOverlay>;

/** Minutes from `start` to `end`; equal ends are a whole day. */
function quietMinutes(start: string, end: string): number {
  const minutes = (minuteOfDay(end) - minuteOfDay(start) + MINUTES_A_DAY) % MINUTES_A_DAY;
  return minutes === 0 ? MINUTES_A_DAY : minutes;
}
