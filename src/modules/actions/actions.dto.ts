import { z } from 'zod';
import { CONTENT_CHANNELS } from '../../core/content/content.js';
import { parseDuration } from '../../core/kernel/duration.js';
import { definitionKey, lineOfText, word } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { ConditionDto } from './condition.dto.js';

const NAME_MAX = 200;
const TAGS_MAX = 20;
const VALUE_MAX = 1e9;
const WEIGHT_MAX = 1e6;
/** C and L are 1 + weight/100 and must stay above zero. */
const WEIGHT_BELOW = -100;
const CONTEXT_WEIGHTS_MAX = 50;
const CONTEXT_TEXT_MAX = 200;
const DURATION_MAX = 40;

const weight = z.number().gt(WEIGHT_BELOW).max(WEIGHT_MAX).default(0);
const condition = ConditionDto.nullable().default(null);

const contextWeight = z.strictObject({
  key: definitionKey.meta({ example: 'page' }),
  value: z
    .union([z.string().max(CONTEXT_TEXT_MAX), z.number(), z.boolean(), z.null()])
    .meta({ description: 'Matches when the context has exactly this value.', example: 'pricing' }),
  weight: z.number().gt(WEIGHT_BELOW).max(WEIGHT_MAX),
});

const fields = {
  name: lineOfText(NAME_MAX).meta({ example: 'Offer of help' }),
  channel: z.enum(CONTENT_CHANNELS).default('email').meta({ description: 'That of its template.' }),
  template: definitionKey.meta({ description: 'Key of a message template.', example: 'offer_help' }),
  tags: z.array(word).max(TAGS_MAX).default([]),
  is_active: z.boolean().default(true),
  issue: definitionKey
    .nullable()
    .default(null)
    .meta({ description: 'The business question that it answers; levers may speak of it.', example: 'retention' }),
  group: definitionKey
    .nullable()
    .default(null)
    .meta({ description: 'The group of actions within the issue; caps, pauses and levers may speak of it.' }),
  eligibility: condition.meta({ description: 'May this person have it at all? Null: everybody.' }),
  applicability: condition.meta({ description: 'Does it make sense for this person now? Null: for everybody.' }),
  suitability: condition.meta({ description: 'Is it right for this person? Null: for everybody.' }),
  ttl: z
    .string()
    .max(DURATION_MAX)
    .refine((text) => parseDuration(text) !== null, 'an ISO 8601 duration such as P2D')
    .nullable()
    .default(null)
    .meta({ description: 'How long after it was ready the message still makes sense.', example: 'P2D' }),
  propensity: z.number().min(0).max(1).default(1),
  context_weight: weight,
  context_weights: z
    .array(contextWeight)
    .max(CONTEXT_WEIGHTS_MAX)
    .default([])
    .meta({ description: 'Those that match are added to context_weight.' }),
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
    issue: z.string().nullable(),
    group: z.string().nullable(),
    eligibility: z.unknown().nullable(),
    applicability: z.unknown().nullable(),
    suitability: z.unknown().nullable(),
    ttl: z.string().nullable(),
    propensity: z.number(),
    context_weight: z.number(),
    context_weights: z.array(z.unknown()),
    value: z.number(),
    lever_weight: z.number(),
    channel_cost: z.number(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'Action' });
export type ActionView = z.infer<typeof ActionView>;

export const ActionPage = pageOf(ActionView);
