import { z } from 'zod';
import { userReference } from '../users/index.js';

export const VerifyQuery = z.strictObject({ user_id: userReference });
export type VerifyQuery = z.infer<typeof VerifyQuery>;

export const VerificationView = z
  .object({
    user_id: z.uuid(),
    is_intact: z.boolean(),
    decisions: z.number().int(),
    made_again: z.number().int().meta({
      description: 'How many were made again from their records; of an erased person only the hashes are left.',
    }),
    fault_count: z.number().int(),
    faults: z
      .array(
        z.object({
          decision_id: z.uuid().nullable().meta({ description: 'null: the chain as a whole' }),
          fault: z.string(),
          detail: z.string(),
        }),
      )
      .meta({ description: 'at most 100 of them' }),
  })
  .meta({ id: 'Verification' });
export type VerificationView = z.infer<typeof VerificationView>;
