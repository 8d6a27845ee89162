import { z } from 'zod';
import { definitionKey, lineOfText, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { ConditionDto } from './condition.dto.js';

const NAME_MAX = 200;
const TAGS_MAX = 20;
const VALUE_MAX = 1e9;
const WEIGHT_MAX = 1e6;
/** C and L are 1 + weight/100 and must stay above zero. */
const WEIGHT_BELOW = -100;

const weight = z.number().gt(WEIGHT_BELOW).max(WEIGHT_MAX).default(0);

const fields = {
  name: lineOfText(NAME_MAX).meta({ example: 'Offer of help' }),
  channel: z.literal('email').default('email'),
  template: definitionKey.meta({ description: 'Key of a message template.', example: 'offer_help' }),
  tags: z.array(word).max(TAGS_MAX).default([]),
  is_active: z.boolean().default(true),
  eligibility: ConditionDto.nullable().default(null),
  propensity: z.number().min(0).max(1).default(1),
  context_weight: weight,
  value: z.number().min(0).max(VALUE_MAX).default(1),
  lever_weight: weight,
  channel_cost: z.number().min(0).max(VALUE_MAX).default(0),
};

export const NewAction = z
  .strictObject({ key: definitionKey, ...fields })
  .meta({ id: 'NewAction', example: { key: 'help', name: 'Offer of help', template: 'offer_help', value: 2 } });
export type NewAction = z.infer<typeof NewAction>;

/** A whole action. What is left out has its default afterwards. */
export const ActionInput = z.strictObject(fields).meta({ id: 'ActionInput' });
export type ActionInput = z.infer<typeof ActionInput>;

export const ActionFilter = z.strictObject(pageFields);
export type ActionFilter = z.infer<typeof ActionFilter>;

export const ActionView = z
  .object({
    id: z.uuid(),
    key: z.string(),
    version: z.number().int(),
    name: z.string(),
    channel: z.string(),
    template: z.string(),
    tags: z.array(z.string()),
    is_active: z.boolean(),
    eligibility: z.unknown().nullable(),
    propensity: z.number(),
    context_weight: z.number(),
    value: z.number(),
    lever_weight: z.number(),
    channel_cost: z.number(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'Action' });
export type ActionView = z.infer<typeof ActionView>;

export const ActionPage = pageOf(ActionView);
