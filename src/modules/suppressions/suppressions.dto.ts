import { z } from 'zod';
import { normaliseEmail, normalisePhone } from '../../platform/address/normalise-address.js';
import { instant, lineOfText, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { userReference } from '../users/index.js';

const SOURCE_MAX = 100;
const ADDRESS_MAX = 320;
const REASONS = ['hard_bounce', 'soft_bounce', 'complaint', 'stop', 'manual', 'unsubscribe'] as const;
const REASONS_OF_HASHES = [...REASONS, 'erasure'] as const;
const ALL = '*';

/** Becomes the one text of the address, however it was written. */
const address = z
  .string()
  .max(ADDRESS_MAX)
  .transform((text, context): string => {
    const normalised = text.includes('@') ? normaliseEmail(text) : normalisePhone(text);
    if (normalised === null) context.addIssue('an e-mail address, or a telephone number with its country (E.164)');
    return normalised ?? z.NEVER;
  })
  .meta({ example: 'jane@example.com' });

const channel = word.nullable().default(null).meta({ description: 'Null: every channel.', example: 'email' });
const purpose = word.nullable().default(null).meta({ description: 'Null: every purpose.', example: 'marketing' });
const until = instant.nullable().default(null).meta({ description: 'Null: for good.' });

/** An address or a user that must not be contacted. */
export const NewSuppression = z
  .strictObject({
    address: address.optional(),
    user_id: userReference.optional(),
    channel,
    purpose,
    reason: z.enum(REASONS).default('manual'),
    source: lineOfText(SOURCE_MAX).default('api'),
    until,
  })
  .refine((input) => (input.address === undefined) !== (input.user_id === undefined), {
    error: 'exactly one of address and user_id',
    path: ['address'],
  })
  .meta({ id: 'NewSuppression', example: { address: 'jane@example.com', channel: 'email', reason: 'manual' } });
export type NewSuppression = z.infer<typeof NewSuppression>;

const filterFields = {
  address: address.optional(),
  user_id: userReference.optional(),
  reason: z.enum(REASONS_OF_HASHES).optional(),
  channel: z
    .union([word, z.literal(ALL)])
    .optional()
    .meta({ description: 'Of exactly this channel; `*` for those of every channel.', example: 'email' }),
  purpose: z
    .union([word, z.literal(ALL)])
    .optional()
    .meta({ description: 'Of exactly this purpose; `*` for those of every purpose.', example: 'marketing' }),
  since: instant.optional().meta({ description: 'That began at this instant or later.' }),
};

export const SuppressionFilter = z.strictObject({
  ...pageFields,
  ...filterFields,
  lifted: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({ description: '`true`: those that were lifted, instead of those that were not.', example: 'false' }),
});
export type SuppressionFilter = z.infer<typeof SuppressionFilter>;

export const ExportQuery = z.strictObject({
  ...filterFields,
  format: z.enum(['csv', 'ndjson']).optional().meta({ description: 'When left out, the header Accept decides.' }),
});
export type ExportQuery = z.infer<typeof ExportQuery>;

export const SuppressionView = z
  .object({
    id: z.uuid(),
    user_id: z.uuid().nullable(),
    address_hash: z.string().nullable(),
    channel: z.string().nullable(),
    purpose: z.string().nullable(),
    reason: z.string(),
    source: z.string(),
    since: z.string(),
    until: z.string().nullable(),
    lifted_at: z.string().nullable().meta({ description: 'When it was lifted; null while it was not.' }),
  })
  .meta({ id: 'Suppression' });
export type SuppressionView = z.infer<typeof SuppressionView>;

export const SuppressionPage = pageOf(SuppressionView);

/** One line of an import: as a new suppression, or as a line of an export. */
export const ImportedSuppression = z
  .strictObject({
    id: z.string().optional(),
    address: address.optional(),
    address_hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, '64 hex digits')
      .optional(),
    hash_key: z.string().optional(),
    user_id: userReference.optional(),
    channel,
    purpose,
    reason: z.enum(REASONS_OF_HASHES).default('manual'),
    source: lineOfText(SOURCE_MAX).default('import'),
    since: instant.optional(),
    until,
  })
  .refine((line) => [line.address, line.address_hash, line.user_id].filter((each) => each !== undefined).length === 1, {
    error: 'exactly one of address, address_hash and user_id',
    path: ['address'],
  })
  .refine((line) => line.reason !== 'erasure' || line.address_hash !== undefined, {
    error: 'erasure is for hashes of an export only: erase the user instead',
    path: ['reason'],
  });
export type ImportedSuppression = z.infer<typeof ImportedSuppression>;

/** The columns that a file may have. */
export const IMPORT_COLUMNS: readonly string[] = Object.keys(ImportedSuppression.shape);

export const ImportQuery = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({ description: '`true`: reads and counts, stores nothing.', example: 'true' }),
});
export type ImportQuery = z.infer<typeof ImportQuery>;

const count = z.number().int();

export const ImportView = z
  .object({
    id: z.uuid().meta({ description: 'Names the import in the audit log.' }),
    dry_run: z.boolean(),
    lines: count.meta({ description: 'Lines with something in them, without the header.' }),
    added: count,
    extended: count.meta({ description: 'Known already, and now in force longer.' }),
    unchanged: count.meta({ description: 'Known already, in the data or further up in the file.' }),
    refused: count.meta({ description: 'Lines with a fault: nothing of them is stored.' }),
    faults: z.array(z.object({ line: count, path: z.string(), message: z.string() })).meta({
      description: 'The first 100 faults, by line; a line may have several.',
    }),
  })
  .meta({ id: 'SuppressionImport' });
export type ImportView = z.infer<typeof ImportView>;
