import { z } from 'zod';
import { instant } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';

const DETAIL_MAX = 1_000;

/** Everything that can be heard of a message. */
export const HEARD_KINDS = [
  'sent',
  'delivered',
  'failed',
  'bounced',
  'soft_bounced',
  'complained',
  'opened',
  'clicked',
  'converted',
  'dismissed',
  'ignored',
  'unsubscribed',
] as const;

/** What was heard of one delivery. */
export const NewOutcome = z
  .strictObject({
    kind: z
      .enum([...HEARD_KINDS, 'hard_bounced'])
      .transform((kind) => (kind === 'hard_bounced' ? 'bounced' : kind))
      .meta({ description: '`hard_bounced` is another word for `bounced`.', example: 'delivered' }),
    at: instant
      .nullable()
      .default(null)
      .meta({ description: 'Now when left out; taken to be between the claim of the message and now.' }),
    detail: z.string().min(1).max(DETAIL_MAX).nullable().default(null).meta({
      description: 'The provider’s words; kept as `failure` of a delivery that failed or bounced, else not at all.',
      example: '550 5.1.1 user unknown',
    }),
  })
  .meta({ id: 'NewOutcome', example: { kind: 'delivered', at: '2027-06-15T01:30:00Z' } });
export type NewOutcome = z.infer<typeof NewOutcome>;

export const OutcomeQuery = z.strictObject(pageFields);
export type OutcomeQuery = z.infer<typeof OutcomeQuery>;

export const OutcomeView = z
  .object({ id: z.uuid(), delivery_id: z.uuid(), kind: z.enum(HEARD_KINDS), at: z.iso.datetime() })
  .meta({ id: 'Outcome' });
export type OutcomeView = z.infer<typeof OutcomeView>;

export const OutcomePage = pageOf(OutcomeView);
