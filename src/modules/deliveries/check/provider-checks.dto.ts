import { z } from 'zod';

export const ProviderCheckView = z
  .object({
    provider: z.string().meta({ description: 'Key of the account; `smtp` is the mail server of `SMTP_URL`.' }),
    kind: z.string(),
    outcome: z.enum(['ok', 'refused', 'unclear']).meta({
      description:
        '`ok`: the provider knows the account, and lets it send; `refused`: it does not; `unclear`: it did not say.',
    }),
    because: z.string().nullable().meta({ description: 'Null when all is well.', example: 'the domain is unverified' }),
    status: z.int().nullable().meta({ description: 'Of the answer; null where none came, or there is none.' }),
    said: z.string().nullable().meta({ description: 'How a refusal begins, without any credential of the account.' }),
    duration_ms: z.int(),
  })
  .meta({ id: 'ProviderCheck' });
export type ProviderCheckView = z.infer<typeof ProviderCheckView>;
