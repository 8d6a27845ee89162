import { z } from 'zod';
import { TRACKING_RESULTS } from '../../core/content/tracking.js';
import { lineOfText } from '../../platform/http/fields.js';
import { pageFields } from '../../platform/http/paging.js';
import { userReference } from '../users/index.js';

const REFERENCE_MAX = 300;
const STATES = ['sending', 'released', 'sent', 'failed', 'unknown', 'delivered', 'bounced', 'complained'] as const;

export const DeliveryFilter = z.strictObject({
  ...pageFields,
  user_id: userReference.optional(),
  run_key: lineOfText(REFERENCE_MAX).optional(),
  clock_domain: lineOfText(31).optional(),
  state: z.enum(STATES).optional(),
});
export type DeliveryFilter = z.infer<typeof DeliveryFilter>;

export const DeliveryView = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    decision_id: z.uuid(),
    run_key: z.string(),
    step_id: z.string(),
    visit: z.number().int(),
    channel: z.string(),
    provider: z.string(),
    action: z.string(),
    template: z.string(),
    template_version: z.number().int(),
    purpose: z.string(),
    state: z.enum(STATES),
    attempt: z.number().int(),
    provider_message_id: z.string().nullable(),
    failure: z.string().nullable(),
    tracking: z.enum(TRACKING_RESULTS).meta({
      description: 'Whether its clicks and openings are tracked; `not_asked` to `too_long`: they are not, and why.',
    }),
    open_count: z
      .int()
      .meta({ description: 'How often it was opened, by what its provider tells and by our own pixel.' }),
    click_count: z
      .int()
      .meta({ description: 'How often a link in it was followed, by its provider and by our own links.' }),
    cost: z
      .number()
      .nullable()
      .meta({ description: 'What its account asks for it if it takes it; null: nobody said.' }),
    clock_domain: z.string(),
    claimed_at: z.iso.datetime(),
    settled_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Delivery' });
export type DeliveryView = z.infer<typeof DeliveryView>;
