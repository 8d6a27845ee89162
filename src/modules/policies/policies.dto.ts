import { z } from 'zod';
import { DAY_MS } from '../../core/kernel/instant.js';
import { parseDuration } from '../../core/kernel/duration.js';
import { definitionKey, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';

/** Below the number of contacts that a decision reads. */
const LIMIT_MAX = 1_000;
const PURPOSES_MAX = 20;
/** Decisions read the ledger of the last 32 days. */
const WINDOW_MS_MAX = 31 * DAY_MS;
const MINUTES_A_DAY = 1_440;
const QUIET_MINUTES_MAX = 20 * 60;

const windowDuration = z
  .string()
  .max(40)
  .refine((text) => {
    const ms = parseDuration(text);
    return ms !== null && ms <= WINDOW_MS_MAX;
  }, 'an ISO 8601 duration such as PT24H, at most 31 days')
  .meta({ example: 'PT24H' });

const localTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a local time such as 21:00')
  .meta({ example: '21:00' });

const Cap = z.strictObject({
  kind: z.literal('cap'),
  scope: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('global') }),
      z.strictObject({ kind: z.literal('channel'), channel: word }),
      z.strictObject({ kind: z.literal('journey'), journey: definitionKey }),
      z.strictObject({ kind: z.literal('tag'), tag: word }),
    ])
    .default({ kind: 'global' }),
  limit: z.number().int().min(0).max(LIMIT_MAX),
  window: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('rolling'), duration: windowDuration }),
    z.strictObject({ kind: z.literal('calendar'), unit: z.literal('day') }),
  ]),
  purposes: z.array(word).min(1).max(PURPOSES_MAX).default(['marketing']),
  on_hit: z.enum(['drop', 'defer']).default('drop'),
});

const QuietHours = z
  .strictObject({
    kind: z.literal('quiet_hours'),
    channel: word.default('email'),
    start: localTime,
    end: localTime,
    allow_long: z.boolean().default(false),
  })
  .refine(({ start, end, allow_long }) => allow_long || quietMinutes(start, end) <= QUIET_MINUTES_MAX, {
    error: 'more than 20 hours of quiet, or the whole day: set allow_long if that is meant',
    path: ['end'],
  });

/** Minutes from `start` to `end`; equal ends are a whole day. */
function quietMinutes(start: string, end: string): number {
  const minutes = (minuteOfDay(end) - minuteOfDay(start) + MINUTES_A_DAY) % MINUTES_A_DAY;
  return minutes === 0 ? MINUTES_A_DAY : minutes;
}

/** `21:30` is 1290. The text must be a local time. */
export function minuteOfDay(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

const EXAMPLE = { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'day' } };

/** A rule about how often, or at what local time, people may be reached. */
export const PolicyDefinition = z
  .discriminatedUnion('kind', [Cap, QuietHours])
  .meta({ id: 'PolicyDefinition', example: EXAMPLE });
export type PolicyDefinition = z.infer<typeof PolicyDefinition>;

export const NewPolicy = z
  .strictObject({ key: definitionKey, definition: PolicyDefinition })
  .meta({ id: 'NewPolicy', example: { key: 'one_a_day', definition: EXAMPLE } });
export type NewPolicy = z.infer<typeof NewPolicy>;

export const PolicyFilter = z.strictObject(pageFields);
export type PolicyFilter = z.infer<typeof PolicyFilter>;

export const PolicyView = z
  .object({
    id: z.uuid(),
    key: z.string(),
    version: z.number().int(),
    kind: z.enum(['cap', 'quiet_hours']),
    is_active: z.boolean(),
    definition: z.unknown(),
    created_at: z.string(),
  })
  .meta({ id: 'Policy' });
export type PolicyView = z.infer<typeof PolicyView>;

export const PolicyPage = pageOf(PolicyView);
