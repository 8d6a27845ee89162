import { z } from 'zod';
import { clockDomain, definitionKey, lineOfText } from '../../platform/http/fields.js';
import { pageFields } from '../../platform/http/paging.js';
import { userReference } from '../users/index.js';

const ACTIONS_MAX = 100;
const REFERENCE_MAX = 300;
const CONTEXT_KEYS_MAX = 50;
const TEXT_MAX = 200;

/** The situation in which is asked, as far as context weights of actions look at it. */
const context = z
  .record(definitionKey, z.union([z.string().max(TEXT_MAX), z.number(), z.boolean(), z.null()]))
  .refine((values) => Object.keys(values).length <= CONTEXT_KEYS_MAX, `at most ${CONTEXT_KEYS_MAX} keys`)
  .default({})
  .meta({
    description: 'The situation, e.g. the page the person is on: matched with the context weights of actions.',
    example: { page: 'pricing' },
  });

export const NextBestActionRequest = z
  .strictObject({
    user_id: userReference,
    actions: z
      .array(definitionKey)
      .min(1)
      .max(ACTIONS_MAX)
      .refine((keys) => new Set(keys).size === keys.length, 'names an action twice')
      .optional()
      .meta({ description: 'keys of the actions to weigh; all active ones when left out' }),
    context,
    dry_run: z.boolean().default(false).meta({ description: 'true: nothing is stored' }),
    clock_domain: clockDomain,
  })
  .meta({ id: 'NextBestActionRequest' });
export type NextBestActionRequest = z.infer<typeof NextBestActionRequest>;

export const DecisionQuery = z.strictObject({
  ...pageFields,
  user_id: userReference.optional(),
  run_key: lineOfText(REFERENCE_MAX).optional(),
  outcome: z.enum(['act', 'defer', 'do_nothing']).optional(),
  reason: z
    .string()
    .regex(/^[A-Z_]{1,64}$/)
    .optional(),
});
export type DecisionQuery = z.infer<typeof DecisionQuery>;

const nullable = z.string().nullable();
export const DecisionView = z
  .object({
    id: z.uuid().nullable(),
    user_id: z.uuid(),
    source: z.enum(['step', 'api']),
    run_key: nullable,
    step_id: nullable,
    visit: z.number().int().nullable(),
    ask: z.number().int().nullable(),
    clock_domain: z.string(),
    decided_at: z.iso.datetime(),
    outcome: z.enum(['act', 'defer', 'do_nothing']),
    /** `none` when nothing is done. */
    channel: z.string(),
    action: z.string(),
    reason: nullable,
    until: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Decision' });
export type DecisionView = z.infer<typeof DecisionView>;

const instant = z.iso.datetime().nullable();
const term = z
  .number()
  .nullable()
  .meta({ description: 'Null of what was not scored: the person objects to marketing.' });
export const ExplanationView = DecisionView.extend({
  explanation: z.string().meta({ description: 'the decision in one plain English sentence' }),
  gates: z.array(
    z.object({
      gate: z.string(),
      candidates: z.array(z.string()).nullable(),
      verdict: z.enum(['pass', 'refuse', 'defer']),
      reason: nullable,
      reason_text: nullable,
      rule: nullable,
      until: instant,
      facts: z.record(z.string(), z.unknown()),
    }),
  ),
  candidates: z.array(
    z.object({
      action: z.string(),
      channel: z.string(),
      propensity: term,
      context: term,
      value: term,
      levers: term,
      priority: term,
      channel_cost: term,
      channel_cost_asked_by: nullable.meta({
        description: 'The account that would carry the message and asks this cost; null: the action says it.',
      }),
      fatigue_cost: term,
      net: term,
      lost_because: nullable,
    }),
  ),
  do_nothing_value: z.number(),
  what_would_change_it: z.array(
    z.object({ gate: z.string(), candidate: nullable, change: z.string(), after: instant }),
  ),
  time_zones: z.array(z.string()),
  time_zone_source: z.string(),
}).meta({ id: 'Explanation' });
export type ExplanationView = z.infer<typeof ExplanationView>;
