import { z } from 'zod';

const EXTERNAL_ID_MAX = 255;
const PREFIX = 'ext:';

/** How the company names a user: one line, verbatim. */
export const externalId = z
  .string()
  .min(1)
  .max(EXTERNAL_ID_MAX)
  .regex(/^\P{Cc}*$/u, 'must not hold control characters');

/** Made once: to make a schema costs far more than to ask it. */
const uuid = z.uuid();

/** Points at a user: by our id, or by the company's. */
export type UserReference =
  { readonly kind: 'id'; readonly id: string } | { readonly kind: 'external'; readonly externalId: string };

/** Reads `<uuid>` or `ext:<external id>`. */
export const userReference = z
  .string()
  .max(PREFIX.length + EXTERNAL_ID_MAX)
  .transform((text, context): UserReference => {
    if (text.startsWith(PREFIX)) {
      const parsed = externalId.safeParse(text.slice(PREFIX.length));
      if (parsed.success) return { kind: 'external', externalId: parsed.data };
    } else if (uuid.safeParse(text).success) return { kind: 'id', id: text.toLowerCase() };
    context.addIssue('a UUID, or ext: and an external id');
    return z.NEVER;
  })
  .meta({ description: 'A UUID, or `ext:` and the external id.', example: 'ext:customer-42' });
