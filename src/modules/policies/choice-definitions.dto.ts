import { z } from 'zod';
import { definitionKey, lineOfText } from '../../platform/http/fields.js';
import { purposes } from './definition-fields.js';

const SALT_MAX = 100;
/** L is 1 + weight/100 and must stay above zero. */
const WEIGHT_BELOW = -100;
const WEIGHT_MAX = 1e6;
const VALUE_MAX = 1e9;

/** Raises or lowers every action of an issue or a group. */
export const Lever = z.strictObject({
  kind: z.literal('lever'),
  target: z.enum(['issue', 'group']),
  name: definitionKey.meta({ example: 'retention' }),
  weight: z.number().gt(WEIGHT_BELOW).max(WEIGHT_MAX),
});

/** What the arbitration looks at, and what silence is worth. */
export const Arbitration = z.strictObject({
  kind: z.literal('arbitration'),
  use: z
    .strictObject({
      propensity: z.boolean().default(true),
      context: z.boolean().default(true),
      value: z.boolean().default(true),
      levers: z.boolean().default(true),
    })
    .default({ propensity: true, context: true, value: true, levers: true }),
  do_nothing_value: z
    .number()
    .min(-VALUE_MAX)
    .max(VALUE_MAX)
    .default(0)
    .meta({ description: 'An action must be worth more than this.' }),
});

/** A share of the users that is left alone on purpose, so that effects can be measured. */
export const HoldoutDefinition = z.strictObject({
  kind: z.literal('holdout'),
  share: z.number().min(0).max(1),
  salt: lineOfText(SALT_MAX)
    .optional()
    .meta({ description: 'Another salt holds out other people. The key of the policy when left out.' }),
  purposes,
});
export type HoldoutDefinition = z.infer<typeof HoldoutDefinition>;
