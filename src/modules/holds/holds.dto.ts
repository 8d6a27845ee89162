import { z } from 'zod';
import { lineOfText } from '../../platform/http/fields.js';

const REASON_MAX = 200;

export const HoldInput = z
  .strictObject({
    reason: lineOfText(REASON_MAX).meta({
      description: 'for whoever looks at the user',
      example: 'a complaint is open',
    }),
    until: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'when it ends by itself; left out: when it is lifted', example: '2027-06-16T08:00:00Z' }),
  })
  .meta({ id: 'HoldInput' });
export type HoldInput = z.infer<typeof HoldInput>;

export const HoldView = z
  .object({
    user_id: z.uuid(),
    reason: z.string(),
    held_by: z.string(),
    since: z.iso.datetime(),
    until: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Hold' });
export type HoldView = z.infer<typeof HoldView>;
