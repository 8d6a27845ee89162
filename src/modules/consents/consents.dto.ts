import { z } from 'zod';
import { clockDomain, instant, jsonObject, lineOfText, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { userReference } from '../users/index.js';

const SOURCE_MAX = 100;
const EVIDENCE_BYTES_MAX = 8_192;
const BATCH_MAX = 500;

/** One statement of one person. */
export const NewConsent = z
  .strictObject({
    user_id: userReference,
    channel: word.meta({ example: 'email' }),
    status: z.enum(['granted', 'denied', 'withdrawn', 'pending']),
    purpose: word.default('marketing'),
    brand: word.default('default'),
    basis: z.enum(['consent', 'soft_opt_in', 'implied', 'contract', 'legitimate_interest']).default('consent'),
    source: lineOfText(SOURCE_MAX).meta({ example: 'signup' }),
    stated_at: instant.optional().meta({ description: 'When the person said so; now when left out.' }),
    expires_at: instant.nullable().default(null),
    jurisdiction: z
      .string()
      .regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/, 'an ISO 3166 code such as DE or US-FL')
      .nullable()
      .default(null),
    text_version: lineOfText(SOURCE_MAX).nullable().default(null),
    evidence: jsonObject(EVIDENCE_BYTES_MAX).default({}),
    clock_domain: clockDomain,
  })
  .meta({
    id: 'NewConsent',
    example: { user_id: 'ext:customer-42', channel: 'email', status: 'granted', source: 'signup' },
  });
export type NewConsent = z.infer<typeof NewConsent>;

export const ConsentBatch = z
  .strictObject({ consents: z.array(NewConsent).min(1).max(BATCH_MAX) })
  .meta({ id: 'ConsentBatch' });
export type ConsentBatch = z.infer<typeof ConsentBatch>;

export const HistoryQuery = z.strictObject({ ...pageFields, clock_domain: clockDomain });
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
    status: z.enum(['granted', 'denied', 'withdrawn', 'pending']),
    basis: z.enum(['consent', 'soft_opt_in', 'implied', 'contract', 'legitimate_interest']),
    jurisdiction: z.string().nullable(),
    stated_at: z.string(),
    received_at: z.string(),
    expires_at: z.string().nullable(),
    source: z.string(),
    text_version: z.string().nullable(),
    evidence: z.record(z.string(), z.unknown()),
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
    consents: z.array(
      z.object({
        purpose: z.string(),
        channel: z.string(),
        brand: z.string(),
        is_allowed: z.boolean(),
        reason: z.string().nullable(),
        basis: z.string().nullable(),
        record_id: z.uuid().nullable(),
      }),
    ),
  })
  .meta({ id: 'ConsentSummary' });
export type ConsentSummaryView = z.infer<typeof ConsentSummaryView>;
