import { z } from 'zod';
import { ALL } from '../../core/consent/consent-record.js';
import { clockDomain, instant, jsonObject, lineOfText, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { userReference } from '../users/index.js';

const SOURCE_MAX = 100;
const EVIDENCE_BYTES_MAX = 8_192;
const BATCH_MAX = 500;

const STATUSES = ['granted', 'denied', 'withdrawn', 'pending'] as const;
const BASES = ['consent', 'soft_opt_in', 'implied', 'contract', 'legitimate_interest'] as const;

const wordOrAll = z.string().regex(/^(\*|[a-z][a-z0-9_]{0,31})$/, 'lower-case letters, digits and _, or * for all');

/** Where a statement comes from and what proves it. */
const proofFields = {
  source: lineOfText(SOURCE_MAX).meta({ example: 'signup' }),
  stated_at: instant.optional().meta({ description: 'When the person said so; now when left out.' }),
  jurisdiction: z
    .string()
    .regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/, 'an ISO 3166 code such as DE or US-FL')
    .nullable()
    .default(null)
    .meta({ description: 'Where left out, the place of the profile says which law ends the grant.' }),
  text_version: lineOfText(SOURCE_MAX).nullable().default(null),
  evidence: jsonObject(EVIDENCE_BYTES_MAX).default({}),
  clock_domain: clockDomain,
};

const statementFields = {
  user_id: userReference,
  channel: wordOrAll.meta({ example: 'email' }),
  status: z.enum(STATUSES),
  purpose: wordOrAll.default('marketing'),
  brand: wordOrAll.default('default'),
  basis: z.enum(BASES).default('consent'),
  ...proofFields,
  expires_at: instant.nullable().default(null).meta({
    description: 'Filled in where a law sets it (CASL: `implied` in `CA` by `evidence.kind`, which it then needs).',
  }),
  is_objection: z
    .boolean()
    .default(false)
    .meta({ description: 'Objection to direct marketing: `withdrawn`, with `*` as purpose, channel and brand.' }),
};

interface Statement {
  readonly status: (typeof STATUSES)[number];
  readonly purpose: string;
  readonly channel: string;
  readonly brand: string;
  readonly is_objection: boolean;
}

/** Permission is specific (GDPR art. 4 (11)): only a refusal may speak of everything. */
function refuseVagueGrants(input: Statement, context: z.RefinementCtx): void {
  if (input.status === 'denied' || input.status === 'withdrawn') return;
  for (const path of ['purpose', 'channel', 'brand'] as const) {
    if (input[path] === ALL) context.addIssue({ code: 'custom', path: [path], message: 'a grant must name it' });
  }
}

function refuseHalfObjections(input: Statement, context: z.RefinementCtx): void {
  const { is_objection, status, purpose, channel, brand } = input;
  if (!is_objection || (status === 'withdrawn' && [purpose, channel, brand].every((part) => part === ALL))) return;
  const message = 'needs status "withdrawn", and "*" as purpose, channel and brand';
  context.addIssue({ code: 'custom', path: ['is_objection'], message });
}

/** One statement of one person. */
const ImportedConsent = z
  .strictObject(statementFields)
  .superRefine(refuseVagueGrants)
  .superRefine(refuseHalfObjections)
  .meta({ id: 'ImportedConsent' });

/** One statement of one person, who may be asked to confirm it. */
export const NewConsent = z
  .strictObject({
    ...statementFields,
    double_opt_in: z
      .boolean()
      .default(false)
      .meta({ description: 'Sends one mail with a link to confirm; only with status `pending` on `email`.' }),
  })
  .superRefine(refuseVagueGrants)
  .superRefine(refuseHalfObjections)
  .refine(
    ({ double_opt_in, status, channel, clock_domain }) =>
      !double_opt_in || (status === 'pending' && channel === 'email' && clock_domain === 'real'),
    { error: 'needs status "pending", channel "email" and the real clock', path: ['double_opt_in'] },
  )
  .meta({
    id: 'NewConsent',
    example: { user_id: 'ext:customer-42', channel: 'email', status: 'granted', source: 'signup' },
  });
export type NewConsent = z.infer<typeof NewConsent>;
export type ImportedConsent = z.infer<typeof ImportedConsent>;

export const ConsentBatch = z
  .strictObject({ consents: z.array(ImportedConsent).min(1).max(BATCH_MAX) })
  .meta({ id: 'ConsentBatch' });
export type ConsentBatch = z.infer<typeof ConsentBatch>;

/** A person objects to direct marketing as a whole. */
export const NewObjection = z
  .strictObject(proofFields)
  .meta({ id: 'NewObjection', example: { source: 'support_call' } });
export type NewObjection = z.infer<typeof NewObjection>;

export const HistoryQuery = z.strictObject({
  ...pageFields,
  clock_domain: clockDomain,
  purpose: word.optional().meta({ description: 'Only records about it, or about all.', example: 'marketing' }),
  channel: word.optional().meta({ description: 'Only records about it, or about all.', example: 'email' }),
});
export type HistoryQuery = z.infer<typeof HistoryQuery>;

export const SummaryQuery = z.strictObject({ clock_domain: clockDomain });
export type SummaryQuery = z.infer<typeof SummaryQuery>;

export const ConsentView = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    purpose: z.string(),
    channel: z.string(),
    brand: z.string(),
    status: z.enum(STATUSES),
    basis: z.enum(BASES),
    jurisdiction: z.string().nullable(),
    stated_at: z.string(),
    received_at: z.string(),
    expires_at: z.string().nullable(),
    source: z.string(),
    text_version: z.string().nullable(),
    evidence: z.record(z.string(), z.unknown()),
    is_objection: z.boolean(),
    clock_domain: z.string(),
  })
  .meta({ id: 'Consent' });
export type ConsentView = z.infer<typeof ConsentView>;

export const ConsentPage = pageOf(ConsentView);

export const ConsentBatchView = z.object({ data: z.array(ConsentView) }).meta({ id: 'ConsentBatchResult' });
export type ConsentBatchView = z.infer<typeof ConsentBatchView>;

export const ConsentSummaryView = z
  .object({
    user_id: z.uuid(),
    as_of: z.string(),
    is_objecting: z
      .boolean()
      .meta({ description: 'Objects to direct marketing as a whole and has not granted marketing since.' }),
    jurisdictions: z.array(z.string()).meta({ description: 'All that any statement names.' }),
    consents: z.array(
      z.object({
        purpose: z.string(),
        channel: z.string(),
        brand: z.string(),
        is_allowed: z.boolean(),
        reason: z.string().nullable(),
        basis: z.string().nullable(),
        /** Of the record that decides. */
        expires_at: z.string().nullable(),
        jurisdiction: z.string().nullable(),
        is_objection: z.boolean(),
        record_id: z.uuid().nullable(),
      }),
    ),
  })
  .meta({ id: 'ConsentSummary' });
export type ConsentSummaryView = z.infer<typeof ConsentSummaryView>;
