import { z } from 'zod';
import type { Condition } from '../../core/audiences/condition.js';
import { isWithinLimits } from '../../core/audiences/evaluate-condition.js';

const OF_MAX = 100;
const ATTRIBUTE_MAX = 200;
const TEXT_MAX = 1_000;

const attribute = z.string().min(1).max(ATTRIBUTE_MAX).meta({ example: 'attributes.plan' });
/** A plain value. */
export const scalar = z.union([z.string().max(TEXT_MAX), z.number(), z.boolean(), z.null()]);
const size = z.union([z.number(), z.string().max(TEXT_MAX)]);

/** Tests of one attribute, for every kind of condition tree; `attribute` says what it may name. */
export const attributeTests = (attribute: z.ZodString) =>
  [
    z.strictObject({ kind: z.literal('equals'), attribute, value: scalar }),
    z.strictObject({ kind: z.literal('in'), attribute, values: z.array(scalar).min(1).max(OF_MAX) }),
    z.strictObject({ kind: z.literal('greater_than'), attribute, value: size }),
    z.strictObject({ kind: z.literal('less_than'), attribute, value: size }),
    z.strictObject({ kind: z.literal('contains'), attribute, value: scalar }),
    z.strictObject({ kind: z.literal('exists'), attribute }),
  ] as const;

const Tree: z.ZodType<Condition> = z
  .lazy(() =>
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('all'), of: z.array(Tree).min(1).max(OF_MAX) }),
      z.strictObject({ kind: z.literal('any'), of: z.array(Tree).min(1).max(OF_MAX) }),
      z.strictObject({ kind: z.literal('not'), of: Tree }),
      ...attributeTests(attribute),
    ]),
  )
  .meta({ id: 'AudienceCondition' });

/** A condition tree over the attributes of one user, see `Condition` in the core. */
export const ConditionDto = Tree.refine(isWithinLimits, 'at most 20 levels deep and 1,000 nodes');
