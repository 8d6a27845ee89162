import { z } from 'zod';
import { parseDuration } from '../../core/kernel/duration.js';
import { DAY_MS, type DurationMs } from '../../core/kernel/instant.js';
import { dayOfDate } from '../../core/kernel/local-date.js';
import { lineOfText, word } from '../../platform/http/fields.js';

const LIST_MAX = 20;
const PLACES_MAX = 100;
const DATES_MAX = 400;
const SOURCE_MAX = 500;
/** Has every date that any year has. */
const LEAP_YEAR = 2028;

/** An ISO 8601 duration of weeks to seconds, at most `daysMax` long. */
export function duration(daysMax: number): z.ZodType<string> {
  return z
    .string()
    .max(40)
    .refine((text) => {
      const ms = parseDuration(text);
      return ms !== null && ms <= daysMax * DAY_MS;
    }, `an ISO 8601 duration such as PT24H, at most ${daysMax} days`)
    .meta({ example: 'PT24H' });
}

const localTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a local time such as 21:00')
  .meta({ example: '21:00' });

/** A date of one year. */
const date = z
  .string()
  .refine((text) => dayOfDate(text) !== null, 'a date such as 2027-12-25')
  .meta({ example: '2027-01-01' });

/** A date of one year or of every year. */
const anyDate = z
  .string()
  .refine(
    (text) => dayOfDate(text.length === 5 ? `${LEAP_YEAR}-${text}` : text) !== null,
    'a date such as 2027-12-25, or 12-25 for every year',
  )
  .meta({ example: '12-25' });

export const purposes = z.array(word).min(1).max(LIST_MAX).default(['marketing']);

const jurisdictions = z
  .array(z.string().regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/, 'an ISO 3166 code such as DE or US-FL'))
  .min(1)
  .max(PLACES_MAX);
const channels = z.array(word).min(1).max(LIST_MAX).nullable();
const source = lineOfText(SOURCE_MAX);

/** What quiet hours of the company and of the law have in common. */
export const quietWindow = {
  purposes: z.array(word).min(1).max(LIST_MAX).nullable().default(null).meta({ description: 'Null: every purpose.' }),
  weekdays: z
    .array(z.number().int().min(1).max(7))
    .min(1)
    .max(7)
    .nullable()
    .default(null)
    .meta({ description: '1 Monday to 7 Sunday; with `dates`, a day that is in either. Both null: every day.' }),
  dates: z.array(anyDate).min(1).max(DATES_MAX).nullable().default(null),
  start: localTime,
  end: localTime,
  effective_from: date.nullable().default(null).meta({ description: 'First local day whose window counts.' }),
  effective_until: date
    .nullable()
    .default(null)
    .meta({ description: 'First local day whose window no longer counts.' }),
  on_hit: z.enum(['defer', 'drop', 'switch_channel']).default('defer'),
  ttl: duration(31)
    .nullable()
    .default(null)
    .meta({ description: 'How long this rule may hold a message; null: as long as it takes.' }),
};

/** Where the two differ: a law names its places and its source, and speaks of every channel unless it names some. */
export const companyWindow = {
  channels: channels.default(['email']).meta({ description: 'Null: every channel.' }),
  jurisdictions: jurisdictions.nullable().default(null).meta({ description: 'Null: everybody.' }),
  source: source.nullable().default(null),
};
export const legalWindow = { channels: channels.default(null), jurisdictions, source };

/** `21:30` is 1290. The text must be a local time. */
export function minuteOfDay(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

/** @throws Error for a text that `duration` does not accept: it was checked when it was written */
export function toMs(text: string): DurationMs {
  const ms = parseDuration(text);
  if (ms === null) throw new Error(`a stored duration has no length: ${text}`);
  return ms;
}
