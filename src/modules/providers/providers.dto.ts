import { z } from 'zod';
import { definitionKey, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { CHANNELS_OF_KIND, FIELDS_OF_KIND, type ProviderKind } from './provider-account.js';

const VALUE_MAX = 8_000;
const PRIORITY_MAX = 1_000;
const PER_SECOND_MAX = 100_000;
const COST_MAX = 1_000_000;

const KINDS = Object.keys(FIELDS_OF_KIND) as [ProviderKind, ...ProviderKind[]];

const texts = z.record(word, z.string().min(1).max(VALUE_MAX));

const fields = {
  settings: texts.default({}).meta({ description: 'By kind, see the guide.', example: { domain: 'mail.example.com' } }),
  credentials: texts.default({}).meta({ description: 'Sealed and never shown again.', example: { api_key: 'SG.…' } }),
  priority: z
    .int()
    .min(0)
    .max(PRIORITY_MAX)
    .default(100)
    .meta({ description: 'The smallest is asked first, of several the cheapest.' }),
  cost: z
    .number()
    .min(0)
    .max(COST_MAX)
    .nullable()
    .default(null)
    .meta({ description: 'Of one message, or of one part of a text; null: nobody knows.', example: 0.0004 }),
  per_second: z
    .number()
    .positive()
    .max(PER_SECOND_MAX)
    .nullable()
    .default(null)
    .meta({ description: 'Messages a second at most; null: as many as come.', example: 50 }),
};

interface Fault {
  readonly path: readonly string[];
  readonly message: string;
}

/** What the account of a kind lacks, and what it has too much. @param isWhole whether what is required must be there */
export function faultsOfFields(
  kind: ProviderKind,
  given: Readonly<Record<'settings' | 'credentials', Readonly<Record<string, string>>>>,
  isWhole: boolean,
): readonly Fault[] {
  return (['settings', 'credentials'] as const).flatMap((place) => {
    const known = FIELDS_OF_KIND[kind][place];
    const names = Object.keys(known);
    const unknown = Object.keys(given[place]).filter((name) => !names.includes(name));
    const missing = names.filter((name) => known[name] === 'required' && given[place][name] === undefined);
    return [
      ...unknown.map((name) => ({ path: [place, name], message: `${kind} knows ${names.join(', ') || 'none'} here` })),
      ...(isWhole ? missing.map((name) => ({ path: [place, name], message: `${kind} needs it` })) : []),
    ];
  });
}

export const NewProvider = z
  .strictObject({
    key: definitionKey,
    kind: z.enum(KINDS),
    channel: word.optional().meta({ description: 'Only where the kind has several.', example: 'email' }),
    ...fields,
  })
  .superRefine(({ kind, channel, ...given }, context) => {
    for (const { path, message } of faultsOfFields(kind, given, true)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
    const channels = CHANNELS_OF_KIND[kind];
    const isKnown = channel === undefined ? channels.length === 1 : channels.includes(channel);
    if (!isKnown) context.addIssue({ code: 'custom', path: ['channel'], message: `one of ${channels.join(', ')}` });
  })
  .meta({ id: 'NewProvider', example: { key: 'grid', kind: 'sendgrid', credentials: { api_key: 'SG.example' } } });
export type NewProvider = z.infer<typeof NewProvider>;

/** Settings as a whole; of the credentials those that are named. */
export const ProviderInput = z.strictObject(fields).meta({ id: 'ProviderInput' });
export type ProviderInput = z.infer<typeof ProviderInput>;

export const ProviderFilter = z.strictObject({ ...pageFields, channel: word.optional() });
export type ProviderFilter = z.infer<typeof ProviderFilter>;

export const ProviderView = z
  .object({
    id: z.uuid(),
    key: z.string(),
    kind: z.enum(KINDS),
    channel: z.string(),
    settings: z.record(z.string(), z.string()),
    credentials: z.array(z.string()).meta({ description: 'The names of those that are set.' }),
    state: z.enum(['active', 'paused']),
    priority: z.int(),
    cost: z.number().nullable(),
    per_second: z.number().nullable(),
    callback_url: z.string().meta({ description: 'Where the provider sends what became of messages; keep it secret.' }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Provider' });
export type ProviderView = z.infer<typeof ProviderView>;

export const ProviderPage = pageOf(ProviderView);
