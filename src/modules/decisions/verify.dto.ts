import { z } from 'zod';
import { pageFields } from '../../platform/http/paging.js';
import { userReference } from '../users/index.js';

export const VerifyQuery = z.strictObject({ user_id: userReference, cursor: pageFields.cursor });
export type VerifyQuery = z.infer<typeof VerifyQuery>;

export const VerificationView = z
  .object({
    user_id: z.uuid(),
    is_intact: z.boolean().meta({ description: 'Of the decisions of this answer.' }),
    decisions: z.number().int().meta({ description: 'At most 500; the next ones follow with `next_cursor`.' }),
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
    next_cursor: z.string().nullable().meta({ description: 'Null once the end of the chain was compared, too.' }),
  })
  .meta({ id: 'Verification' });
export type VerificationView = z.infer<typeof VerificationView>;
