import { z } from 'zod';
import { parseDuration } from '../../core/kernel/duration.js';
import { DAY_MS } from '../../core/kernel/instant.js';
import { instant } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { ConditionDto } from '../actions/index.js';
import { EntryKey, LocalTime } from '../journeys/index.js';
import { userReference } from '../users/index.js';

const IDS_MAX = 10_000;
const PER_SECOND_DEFAULT = 50;
const PER_SECOND_MAX = 1_000;
const SPREAD_MS_MAX = 30 * DAY_MS;

const isSpread = (text: string): boolean => {
  const duration = parseDuration(text);
  return duration !== null && duration <= SPREAD_MS_MAX;
};

const entryKey = EntryKey.optional().meta({ description: 'For every user; a parallel journey needs one.' });
const spread = z
  .string()
  .max(40)
  .refine(isSpread, 'an ISO 8601 duration of at most 30 days, e.g. PT6H')
  .optional()
  .meta({ description: 'Each run begins at an instant of its own within so long.', example: 'PT6H' });
const startAt = instant.optional().meta({ description: 'When the runs begin; at once when left out.' });
const localTime = LocalTime.optional().meta({
  description: "Each run begins when the user's own clock comes to this time next, from `start_at` on.",
});
const perSecond = z.number().int().min(1).max(PER_SECOND_MAX);

/** Enrols many users, who are chosen by a condition or listed. */
export const BulkEnrolmentRequest = z
  .strictObject({
    users: z.union([
      z.strictObject({ where: ConditionDto.meta({ description: 'On the profile, as it is when it is looked at.' }) }),
      z.strictObject({ ids: z.array(userReference).min(1).max(IDS_MAX) }),
    ]),
    per_second: perSecond.default(PER_SECOND_DEFAULT),
    spread,
    entry_key: entryKey,
    start_at: startAt,
    local_time: localTime,
  })
  .meta({
    id: 'BulkEnrolmentRequest',
    example: {
      users: { where: { kind: 'equals', attribute: 'lifecycle_stage', value: 'lead' } },
      per_second: 50,
      spread: 'PT6H',
    },
  });
export type BulkEnrolmentRequest = z.infer<typeof BulkEnrolmentRequest>;

/** The same, as the query of an import. */
export const BulkImportQuery = z.strictObject({
  per_second: z
    .string()
    .regex(/^\d{1,4}$/, `a whole number from 1 to ${PER_SECOND_MAX}`)
    .transform(Number)
    .pipe(perSecond)
    .optional()
    .meta({ description: `${PER_SECOND_DEFAULT} when left out.`, example: '50' }),
  spread,
  entry_key: entryKey.meta({ description: 'For every line that has none of its own.' }),
  start_at: startAt,
  local_time: localTime,
});
export type BulkImportQuery = z.infer<typeof BulkImportQuery>;

/** One line of an import. */
export const EnrolmentLine = z
  .strictObject({
    user_id: z.uuid().optional(),
    external_id: z.string().min(1).max(255).optional(),
    entry_key: EntryKey.optional(),
  })
  .refine(({ user_id, external_id }) => (user_id === undefined) !== (external_id === undefined), {
    error: 'exactly one of user_id and external_id',
    path: ['user_id'],
  });
export type EnrolmentLine = z.infer<typeof EnrolmentLine>;

/** The columns that a file may have. */
export const LINE_COLUMNS: readonly string[] = Object.keys(EnrolmentLine.shape);

const count = z.number().int();
const nullableInstant = z.iso.datetime().nullable();

export const BulkEnrolmentView = z
  .object({
    id: z.uuid(),
    journey: z.string(),
    source: z.enum(['filter', 'ids', 'file', 'schedule']),
    state: z.enum(['receiving', 'queued', 'running', 'paused', 'done', 'cancelled', 'failed']),
    waits_for: z.string().nullable().meta({ description: 'Why it does not go on at the moment.' }),
    fault: z.string().nullable().meta({ description: 'Why it failed.' }),
    per_second: count,
    spread_seconds: z.number(),
    entry_key: z.string().nullable(),
    start_at: nullableInstant,
    local_time: z.string().nullable(),
    counts: z.object({
      users_total: count.meta({ description: 'To be looked at, as far as it is known.' }),
      looked_at: count,
      passed_over: count.meta({ description: 'Do not meet the condition.' }),
      entered: count.meta({ description: 'Runs that began because of it.' }),
      already_in: count.meta({ description: 'Had the place already; nothing changed for them.' }),
      refused: count,
    }),
    refused_by: z.record(z.string(), count).meta({ description: 'Refusals by their code.' }),
    progress: z.number().meta({ description: 'From 0 to 1.' }),
    rate: z.number().nullable().meta({ description: 'Users looked at a second, since it began; null before.' }),
    created_by: z.string(),
    created_at: z.iso.datetime(),
    started_at: nullableInstant,
    finished_at: nullableInstant,
  })
  .meta({ id: 'BulkEnrolment' });
export type BulkEnrolmentView = z.infer<typeof BulkEnrolmentView>;

export const BulkEnrolmentPage = pageOf(BulkEnrolmentView);

export const BulkQuery = z.strictObject(pageFields);
export type BulkQuery = z.infer<typeof BulkQuery>;

export const EntryRefusalView = z
  .object({
    id: z.uuid(),
    line: count.nullable().meta({ description: 'Of the file, or the place in the list, from 1.' }),
    user_id: z.uuid().nullable(),
    code: z.string(),
    detail: z.string(),
    refused_at: z.iso.datetime(),
  })
  .meta({ id: 'BulkEnrolmentRefusal' });
export type EntryRefusalView = z.infer<typeof EntryRefusalView>;

export const EntryRefusalPage = pageOf(EntryRefusalView);
