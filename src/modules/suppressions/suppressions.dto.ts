import { z } from 'zod';
import { instant, lineOfText, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { userReference } from '../users/index.js';

const SOURCE_MAX = 100;
const EMAIL_MAX = 254;
const REASONS = ['hard_bounce', 'complaint', 'stop', 'manual', 'unsubscribe'] as const;

const address = z.union([
  z.email().max(EMAIL_MAX),
  z.string().regex(/^\+[1-9]\d{6,14}$/, 'an e-mail address, or a number in E.164'),
]);

/** An address or a user that must not be contacted. */
export const NewSuppression = z
  .strictObject({
    address: address.optional().meta({ example: 'jane@example.com' }),
    user_id: userReference.optional(),
    channel: word.nullable().default(null).meta({ description: 'Null: every channel.', example: 'email' }),
    reason: z.enum(REASONS).default('manual'),
    source: lineOfText(SOURCE_MAX).default('api'),
    until: instant.nullable().default(null),
  })
  .refine((input) => (input.address === undefined) !== (input.user_id === undefined), {
    error: 'exactly one of address and user_id',
    path: ['address'],
  })
  .meta({ id: 'NewSuppression', example: { address: 'jane@example.com', channel: 'email', reason: 'manual' } });
export type NewSuppression = z.infer<typeof NewSuppression>;

export const SuppressionFilter = z.strictObject({
  ...pageFields,
  address: address.optional(),
  user_id: userReference.optional(),
});
export type SuppressionFilter = z.infer<typeof SuppressionFilter>;

export const SuppressionView = z
  .object({
    id: z.uuid(),
    user_id: z.uuid().nullable(),
    address_hash: z.string().nullable(),
    channel: z.string().nullable(),
    reason: z.string(),
    source: z.string(),
    since: z.string(),
    until: z.string().nullable(),
  })
  .meta({ id: 'Suppression' });
export type SuppressionView = z.infer<typeof SuppressionView>;

export const SuppressionPage = pageOf(SuppressionView);
