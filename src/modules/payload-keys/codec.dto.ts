import { z } from 'zod';

const PAYLOADS_MAX = 10_000;

/** The JSON form of `temporal.api.common.v1.Payloads`: bytes in base64. */
export const CodecPayloads = z
  .object({
    payloads: z
      .array(
        z.object({
          metadata: z.record(z.string().max(200), z.base64()).optional(),
          data: z.base64().optional(),
        }),
      )
      .min(1)
      .max(PAYLOADS_MAX),
  })
  .meta({ id: 'Payloads' });
export type CodecPayloads = z.infer<typeof CodecPayloads>;
