import { z } from 'zod';
import { userReference } from '../users/index.js';
import { NextBestActionRequest } from './decisions.dto.js';

const USERS_MAX = 10_000;

export const BatchDecisionRequest = NextBestActionRequest.omit({ user_id: true })
  .extend({
    user_ids: z
      .array(userReference)
      .min(1)
      .max(USERS_MAX)
      .meta({
        description: `UUIDs, or \`ext:\` and an external id; at most ${USERS_MAX}. One that comes twice is weighed twice.`,
        example: ['ext:customer-42', 'ext:customer-43'],
      }),
  })
  .meta({ id: 'BatchDecisionRequest' });
export type BatchDecisionRequest = z.infer<typeof BatchDecisionRequest>;

const DecisionLine = z.object({
  kind: z.literal('decision'),
  index: z.number().int().meta({ description: 'place in `user_ids`, from 0' }),
  reference: z.string().meta({ description: 'as it was given' }),
  user_id: z.uuid(),
  outcome: z.enum(['act', 'defer', 'do_nothing']),
  action: z.string(),
  channel: z.string(),
  reason: z.string().nullable(),
  until: z.iso.datetime().nullable(),
  decision_id: z.uuid().nullable().meta({ description: 'null in a dry run' }),
  explanation: z.string(),
});

const ErrorLine = z.object({
  kind: z.literal('error'),
  index: z.number().int(),
  reference: z.string(),
  code: z.string().meta({ description: 'e.g. `USER_UNKNOWN`, `USER_ERASED`, `TIMED_OUT`, `UNAVAILABLE`' }),
  detail: z.string().optional(),
});

const ProgressLine = z.object({ kind: z.literal('progress'), done: z.number().int(), total: z.number().int() });

const EndLine = z.object({
  kind: z.literal('end'),
  done: z.number().int(),
  acts: z.number().int(),
  defers: z.number().int(),
  silences: z.number().int(),
  errors: z.number().int(),
});

/** One line of the answer. */
export const BatchLine = z
  .discriminatedUnion('kind', [DecisionLine, ErrorLine, ProgressLine, EndLine])
  .meta({ id: 'BatchDecisionLine' });
export type BatchLine = z.infer<typeof BatchLine>;
