import { z } from 'zod';
import { Cap } from './contact-definitions.dto.js';
import { LegalOverlay, QuietHours } from './quiet-definitions.dto.js';

const DAYS_MAX = 92;
const DAYS_DEFAULT = 30;

/** A rule that is only thought of, and the contacts on which to try it. */
export const PreviewRequest = z
  .strictObject({
    definition: z.discriminatedUnion('kind', [Cap, QuietHours, LegalOverlay]),
    days: z.number().int().min(1).max(DAYS_MAX).default(DAYS_DEFAULT).meta({ description: 'How far to look back.' }),
    sample: z
      .number()
      .gt(0)
      .max(1)
      .default(1)
      .meta({ description: 'Share of the users to look at, always the same ones. 1: everybody.' }),
  })
  .meta({
    id: 'PolicyPreviewRequest',
    example: { definition: { kind: 'cap', limit: 3, window: { kind: 'calendar', unit: 'week' } }, days: 30 },
  });
export type PreviewRequest = z.infer<typeof PreviewRequest>;

const count = z.number().int();

export const PreviewView = z
  .object({
    users: count.meta({ description: 'Users that were contacted in the period.' }),
    contacts: count.meta({ description: 'Contacts with them in the period that rest on consent.' }),
    would_stop: count.meta({ description: 'How many of these the rule would have stopped or put off.' }),
    would_stop_share: z.number(),
    by_channel: z.array(z.object({ channel: z.string(), contacts: count, would_stop: count })),
    by_journey: z
      .array(z.object({ journey: z.string().nullable(), contacts: count, would_stop: count }))
      .meta({ description: 'The 100 with the most contacts stopped.' }),
    by_day: z
      .array(z.object({ date: z.string(), contacts: count, would_stop: count }))
      .meta({ description: 'By date in UTC, oldest first.' }),
    from: z.string(),
    until: z.string(),
    took_ms: count,
  })
  .meta({ id: 'PolicyPreview' });
export type PreviewView = z.infer<typeof PreviewView>;
