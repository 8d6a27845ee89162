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

const allowLong = z.boolean().default(false).meta({ description: 'Whether more than 20 hours are meant.' });

interface Window {
  readonly start: string;
  readonly end: string;
}

const isShortOrMeant = ({ allow_long, ...window }: Window & { readonly allow_long: boolean }): boolean =>
  allow_long || !isLong(window);
const SHORT_OR_MEANT = {
  error: 'more than 20 hours of quiet, or the whole day: set allow_long if that is meant',
  path: ['end'],
};

/** Local times at which the company reaches nobody. */
export const QuietHours = z
  .strictObject({ kind: z.literal('quiet_hours'), ...companyWindow, ...quietWindow, allow_long: allowLong })
  .refine(isShortOrMeant, SHORT_OR_MEANT)
  .refine(isOrdered, ORDERED);
export type QuietHours = z.infer<typeof QuietHours>;

/** Local times at which a law lets nobody be reached who may be where it holds. */
export const LegalOverlay = z
  .strictObject({ kind: z.literal('legal_overlay'), ...legalWindow, ...quietWindow, allow_long: allowLong })
  .refine(isShortOrMeant, SHORT_OR_MEANT)
  .refine(isOrdered, ORDERED);
export type LegalOverlay = z.infer<typeof LegalOverlay>;

/** Whether a window of two local times is longer than anybody sets by chance: equal ends are a whole day. */
export function isLong({ start, end }: Window): boolean {
  const minutes = (minuteOfDay(end) - minuteOfDay(start) + MINUTES_A_DAY) % MINUTES_A_DAY;
  return minutes === 0 || minutes > QUIET_MINUTES_MAX;
}
