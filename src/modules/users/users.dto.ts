import { z } from 'zod';
import { PREFERABLE_CHANNELS } from '../../core/content/content.js';
import { isValidZone } from '../../core/kernel/zone.js';
import { jsonObject, lineOfText } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { externalId } from './user-reference.js';

const EMAIL_MAX = 254;
const NAME_MAX = 300;
const STAGE_MAX = 64;
const ATTRIBUTES_BYTES_MAX = 32_768;
const BATCH_MAX = 500;

function isLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

const profileFields = {
  email: z.email().max(EMAIL_MAX).nullable().default(null).meta({ example: 'jane@example.com' }),
  phone: z
    .string()
    .regex(/^\+[1-9]\d{6,14}$/, 'a number in E.164 such as +12025550123')
    .nullable()
    .default(null)
    .meta({ example: '+12025550123' }),
  name: lineOfText(NAME_MAX).nullable().default(null).meta({ example: 'Jane Doe' }),
  lifecycle_stage: lineOfText(STAGE_MAX).nullable().default(null).meta({ example: 'trial' }),
  timezone: z
    .string()
    .max(64)
    .refine(isValidZone, 'an IANA time zone such as Europe/Berlin')
    .nullable()
    .default(null)
    .meta({ example: 'Europe/Berlin' }),
  locale: z
    .string()
    .max(64)
    .refine(isLocale, 'a BCP 47 language tag such as de-AT')
    .nullable()
    .default(null)
    .meta({ example: 'en-GB' }),
  jurisdiction: z
    .string()
    .regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/, 'an ISO 3166 code such as DE or US-FL')
    .nullable()
    .default(null)
    .meta({ description: 'Where the person is known to be: whose law protects them.', example: 'US-FL' }),
  preferred_channel: z.enum(PREFERABLE_CHANNELS).nullable().optional().meta({
    description:
      'Where the person would rather be reached; it permits nothing. Left out, it stays as it was, for the person may have chosen it on their page of choices; null removes it.',
    example: 'sms',
  }),
  attributes: jsonObject(ATTRIBUTES_BYTES_MAX).default({}),
};

/** As much of a profile as steps of journeys may write. */
export const AmendedProfile = z.object({
  lifecycle_stage: profileFields.lifecycle_stage,
  attributes: profileFields.attributes,
});

/** A whole profile. What is left out is empty afterwards, but for what its field says otherwise. */
export const UserInput = z.strictObject({ external_id: externalId.optional(), ...profileFields }).meta({
  id: 'UserInput',
  example: { email: 'jane@example.com', name: 'Jane Doe', lifecycle_stage: 'trial' },
});
export type UserInput = z.infer<typeof UserInput>;

/** Nobody could ever find or reach a user without any of these again. */
export const NewUser = UserInput.refine(
  ({ external_id, email, phone }) => external_id !== undefined || email !== null || phone !== null,
  { error: 'a user needs an external_id, an email or a phone', path: ['external_id'] },
).meta({ id: 'NewUser', example: { email: 'jane@example.com', name: 'Jane Doe', lifecycle_stage: 'trial' } });

const BatchItem = z.strictObject({ external_id: externalId, ...profileFields });

export const UserBatch = z
  .strictObject({
    users: z
      .array(BatchItem)
      .min(1)
      .max(BATCH_MAX)
      .superRefine((users, context) => {
        const seen = new Set<string>();
        for (const [index, user] of users.entries()) {
          if (seen.has(user.external_id)) {
            context.addIssue({ code: 'custom', path: [index, 'external_id'], message: 'occurs twice in this batch' });
          }
          seen.add(user.external_id);
        }
      }),
  })
  .meta({ id: 'UserBatch', example: { users: [{ external_id: 'customer-42', email: 'jane@example.com' }] } });
export type UserBatch = z.infer<typeof UserBatch>;

export const UserFilter = z.strictObject({
  ...pageFields,
  email: z.string().min(1).max(EMAIL_MAX).optional(),
  external_id: externalId.optional(),
});
export type UserFilter = z.infer<typeof UserFilter>;

export const UserView = z
  .object({
    id: z.uuid(),
    external_id: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    name: z.string().nullable(),
    lifecycle_stage: z.string().nullable(),
    timezone: z.string().nullable(),
    locale: z.string().nullable(),
    jurisdiction: z.string().nullable(),
    preferred_channel: z.string().nullable(),
    attributes: z.record(z.string(), z.unknown()),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'User' });
export type UserView = z.infer<typeof UserView>;

/** One user, with the word of an operator that nobody is to contact them. */
export const UserDetailView = UserView.extend({
  hold: z
    .object({ reason: z.string(), held_by: z.string(), since: z.string(), until: z.string().nullable() })
    .nullable()
    .meta({ description: 'while it stands no message goes out and no journey is entered' }),
}).meta({ id: 'UserDetail' });
export type UserDetailView = z.infer<typeof UserDetailView>;

export const UserPage = pageOf(UserView);

export const UserBatchView = z
  .object({
    results: z.array(z.object({ external_id: z.string(), id: z.uuid(), status: z.enum(['created', 'updated']) })),
  })
  .meta({ id: 'UserBatchResult' });
export type UserBatchView = z.infer<typeof UserBatchView>;
