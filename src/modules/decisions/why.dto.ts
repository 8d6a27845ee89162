import { z } from 'zod';
import { parseDuration } from '../../core/kernel/duration.js';
import { clockDomain, definitionKey, instant } from '../../platform/http/fields.js';
import { userReference } from '../users/index.js';
import { DecisionView, ExplanationView } from './decisions.dto.js';

const WITHIN_DEFAULT = 'PT24H';
const WITHIN_LENGTH_MAX = 40;

export const WhyQuery = z.strictObject({
  user_id: userReference,
  action: definitionKey.optional().meta({
    description:
      'An action, or the template of a message step, weighed without the other channels of its step; the whole decision when left out.',
  }),
  at: instant.optional().meta({ description: 'Also in the future; now when left out.', example: undefined }),
  within: z
    .string()
    .max(WITHIN_LENGTH_MAX)
    .default(WITHIN_DEFAULT)
    .transform((text, context) => {
      const durationMs = parseDuration(text);
      if (durationMs !== null) return durationMs;
      context.addIssue('an ISO 8601 duration such as PT24H');
      return z.NEVER;
    })
    .meta({ description: 'How far from `at` recorded decisions are looked for.', example: WITHIN_DEFAULT }),
  clock_domain: clockDomain,
});
export type WhyQuery = z.infer<typeof WhyQuery>;

const AttemptView = DecisionView.extend({
  id: z.uuid(),
  position: z.enum(['before', 'at', 'after']).meta({ description: 'against the instant that was asked about' }),
  explanation: z.string(),
}).meta({ id: 'Attempt' });

export const WhyView = z
  .object({
    user_id: z.uuid(),
    action: z.string().nullable(),
    at: z.iso.datetime(),
    answer: z
      .string()
      .meta({ description: 'why, or why not, and what would change it, in one plain English sentence' }),
    answer_rests_on: z.enum(['record', 'hypothetical']).meta({
      description: '`record`: something was decided at this very instant. Else: what would have been decided.',
    }),
    standing: z
      .enum(['chosen', 'waits', 'lost'])
      .nullable()
      .meta({ description: 'Of the action, as far as the answer goes; null when no action was asked about.' }),
    reason: z.string().nullable().meta({ description: 'Null when it was chosen.' }),
    what_would_change_it: z
      .object({ change: z.string(), after: z.iso.datetime().nullable() })
      .nullable()
      .meta({ description: 'The smallest change; null when nothing may change it.' }),
    attempts: z.array(AttemptView).meta({
      description:
        'Recorded decisions nearest to the instant, oldest first: at most three before it and three after it.',
    }),
    hypothetical: ExplanationView.meta({ description: 'What would have been decided if somebody had asked then.' }),
    as_of_notes: z.array(z.string()).meta({ description: 'Which facts are those of then, and which those of now.' }),
  })
  .meta({ id: 'Why' });
export type WhyView = z.infer<typeof WhyView>;
