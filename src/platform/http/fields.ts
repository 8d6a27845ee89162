import { z } from 'zod';

const YEAR_FIRST = Date.UTC(1970, 0, 1);
const YEAR_LAST = Date.UTC(2200, 0, 1);

/** Text on one line: no control characters, so that it may stand in a header or a log. */
export function lineOfText(charactersMax: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(charactersMax)
    .regex(/^\P{Cc}*$/u, 'must not hold control characters such as line breaks');
}

/** Name that authors give to a definition. */
export const definitionKey = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'lower-case letters, digits and _, starting with a letter, at most 64')
  .meta({ example: 'welcome' });

/** Word from a set that grows with the product, e.g. a purpose or a channel. */
export const word = z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'lower-case letters, digits and _, at most 32');

/** An instant in ISO 8601 with a zone; becomes milliseconds since 1970. */
export const instant = z.iso
  .datetime({ offset: true, error: 'an instant such as 2027-06-15T01:30:00Z' })
  .transform((text) => Date.parse(text))
  .refine((at) => at >= YEAR_FIRST && at < YEAR_LAST, 'an instant from 1970 to 2199')
  .meta({ example: '2027-06-15T01:30:00Z' });

/** `real`, or the name of a virtual clock for trying things out. */
export const clockDomain = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'lower-case letters, digits and -, at most 31')
  .default('real')
  .meta({ description: 'Another name than `real` belongs to a virtual clock; refused in production.' });

/** A JSON object whose text is at most `bytesMax` long. */
export function jsonObject(bytesMax: number): z.ZodType<Record<string, unknown>> {
  return z
    .record(z.string(), z.unknown())
    .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= bytesMax, `at most ${bytesMax} bytes of JSON`)
    .meta({ example: { plan: 'pro' } });
}
