import { z } from 'zod';
import { definitionKey, lineOfText, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { ConditionDto } from '../actions/index.js';
import { IDENTIFIERS } from './audience-hash.js';

const NAME_MAX = 100;
const URL_MAX = 500;
const TOKEN_MAX = 4_000;

const name = lineOfText(NAME_MAX).meta({ example: 'Customers who may see offers' });
const accessToken = z
  .string()
  .max(TOKEN_MAX)
  .regex(/^[\x21-\x7e]+$/, 'visible characters, no space')
  .meta({ description: 'Sealed and never shown again.', example: 'EAABexample' });
const where = ConditionDto.meta({ description: 'On the profile, looked at in every round.' });

export const NewAudienceSync = z
  .strictObject({
    key: definitionKey,
    name,
    base_url: z
      .url({ protocol: /^https?$/ })
      .max(URL_MAX)
      .transform((text) => text.replace(/\/+$/, ''))
      .default('https://graph.facebook.com/v23.0')
      .meta({ description: '`https` and a public address; on one machine without authentication also others.' }),
    audience_id: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .meta({ example: '23847512345670123' }),
    access_token: accessToken,
    purpose: word.default('advertising').meta({
      description:
        'Of the consent, which is for the channel `audience`. An opt-out of `sale`, `sharing` or `targeting` outweighs it.',
    }),
    brand: word.default('default'),
    identifiers: z.array(z.enum(IDENTIFIERS)).min(1).max(IDENTIFIERS.length).default(['email']),
    where,
  })
  .meta({
    id: 'NewAudienceSync',
    example: {
      key: 'lookalikes',
      name: 'Customers who may see offers',
      audience_id: '23847512345670123',
      access_token: 'EAABexample',
      where: { kind: 'equals', attribute: 'lifecycle_stage', value: 'customer' },
    },
  });
export type NewAudienceSync = z.infer<typeof NewAudienceSync>;

export const AudienceSyncChange = z
  .strictObject({
    name: name.optional(),
    access_token: accessToken.optional(),
    where: where.optional(),
    state: z
      .enum(['active', 'paused'])
      .optional()
      .meta({ description: 'A paused one adds nobody; it goes on removing.' }),
  })
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change')
  .meta({ id: 'AudienceSyncChange', example: { state: 'paused' } });
export type AudienceSyncChange = z.infer<typeof AudienceSyncChange>;

export const AudienceSyncQuery = z.strictObject(pageFields);
export type AudienceSyncQuery = z.infer<typeof AudienceSyncQuery>;

export const AudienceSyncView = z
  .object({
    id: z.uuid(),
    key: z.string(),
    name: z.string(),
    base_url: z.string(),
    audience_id: z.string(),
    purpose: z.string(),
    brand: z.string(),
    identifiers: z.array(z.enum(IDENTIFIERS)),
    where: ConditionDto,
    state: z.enum(['active', 'paused', 'ending']).meta({ description: '`ending`: until everybody is removed.' }),
    members: z
      .object({ present: z.int(), to_add: z.int(), to_remove: z.int() })
      .meta({ description: 'Addresses, as they are known at the platform or are to be.' }),
    failure: z.string().nullable().meta({ description: 'Why the last round did not come to its end.' }),
    round_started_at: z.iso.datetime().nullable().meta({ description: 'Null: no round is under way.' }),
    round_ended_at: z.iso.datetime().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'AudienceSync' });
export type AudienceSyncView = z.infer<typeof AudienceSyncView>;

export const AudienceSyncPage = pageOf(AudienceSyncView);

export const AudienceMemberQuery = z.strictObject({
  ...pageFields,
  state: z.enum(['present', 'to_add', 'to_remove']).optional(),
});
export type AudienceMemberQuery = z.infer<typeof AudienceMemberQuery>;

export const AudienceMemberView = z
  .object({
    id: z.uuid(),
    user_id: z.uuid().nullable().meta({ description: 'Null once the person is erased.' }),
    kind: z.enum(IDENTIFIERS),
    state: z.enum(['present', 'to_add', 'to_remove']),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'AudienceMember' });
export type AudienceMemberView = z.infer<typeof AudienceMemberView>;

export const AudienceMemberPage = pageOf(AudienceMemberView);
