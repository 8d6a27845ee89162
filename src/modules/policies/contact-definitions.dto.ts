import { z } from 'zod';
import { definitionKey, word } from '../../platform/http/fields.js';
import { duration, purposes } from './definition-fields.js';

/** Below the number of contacts that a decision reads. */
const LIMIT_MAX = 1_000;
/** Decisions read contacts as far back as the longest window of any rule: what is longer costs every decision. */
const WINDOW_DAYS_MAX = 31;
const PAUSE_DAYS_MAX = 92;
/** Eight of them are read, see `HALF_LIVES_READ` of the decisions. */
const HALF_LIFE_DAYS_MAX = 14;
const OUTCOMES_COUNTED_MAX = 100;
const WEIGHT_MAX = 100;
const COST_MAX = 1e9;

const windowDuration = duration(WINDOW_DAYS_MAX);

/** At most so many contacts within a time. */
export const Cap = z
  .strictObject({
    kind: z.literal('cap'),
    scope: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('global') }),
        z.strictObject({ kind: z.literal('channel'), channel: word }),
        z.strictObject({ kind: z.literal('journey'), journey: definitionKey }),
        z.strictObject({ kind: z.literal('tag'), tag: word }),
        z.strictObject({ kind: z.literal('group'), group: definitionKey }),
      ])
      .default({ kind: 'global' }),
    limit: z
      .number()
      .int()
      .min(0)
      .max(LIMIT_MAX)
      .optional()
      .meta({ description: 'How many. Left out under `min_gap`, where it is 1.' }),
    window: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('rolling'), duration: windowDuration }),
      z.strictObject({ kind: z.literal('calendar'), unit: z.enum(['day', 'week', 'month']) }),
      z.strictObject({ kind: z.literal('min_gap'), duration: windowDuration }),
    ]),
    purposes,
    gives_back_on: z
      .array(z.enum(['failed', 'bounced', 'complained']))
      .max(3)
      .default(['failed'])
      .meta({ description: 'Final states in which a contact no longer counts. Sending and unknown always count.' }),
    on_hit: z.enum(['drop', 'defer', 'degrade_channel', 'skip']).default('drop'),
  })
  .refine(({ limit, window }) => window.kind === 'min_gap' || limit !== undefined, {
    error: 'how many contacts the window may hold',
    path: ['limit'],
  })
  .refine(({ limit, window }) => window.kind !== 'min_gap' || limit === undefined || limit === 1, {
    error: 'a minimum gap has a limit of 1',
    path: ['limit'],
  });
export type Cap = z.infer<typeof Cap>;

const OUTCOMES = [
  'sent',
  'delivered',
  'failed',
  'bounced',
  'complained',
  'opened',
  'clicked',
  'converted',
  'dismissed',
  'ignored',
  'unsubscribed',
] as const;

/** After so many outcomes within a time, an action, group or channel rests. */
export const Pause = z.strictObject({
  kind: z.literal('pause'),
  outcomes: z.array(z.enum(OUTCOMES)).min(1).max(OUTCOMES.length),
  count: z.number().int().min(1).max(OUTCOMES_COUNTED_MAX),
  within: windowDuration,
  scope: z.enum(['action', 'group', 'channel']),
  pause_for: duration(PAUSE_DAYS_MAX),
  purposes,
});
export type Pause = z.infer<typeof Pause>;

const outcomeWeight = z.number().min(-WEIGHT_MAX).max(WEIGHT_MAX);

/** How tired of us people are taken to be. */
export const Fatigue = z.strictObject({
  kind: z.literal('fatigue'),
  half_life: duration(HALF_LIFE_DAYS_MAX),
  contact_weight: z.number().min(0).max(WEIGHT_MAX),
  outcome_weights: z
    .partialRecord(z.enum(OUTCOMES), outcomeWeight)
    .default({})
    .meta({ description: 'Above 0 for what tires, below for what shows interest.', example: { complained: 2 } }),
  cost_per_score: z.number().min(0).max(COST_MAX).default(0),
  threshold: z
    .number()
    .gt(0)
    .lt(1)
    .nullable()
    .default(null)
    .meta({ description: 'From this score on nothing goes out that rests on consent; null: a cost only.' }),
});
export type Fatigue = z.infer<typeof Fatigue>;
