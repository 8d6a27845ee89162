import { z } from 'zod';
import { pageFields, pageOf } from '../../../platform/http/paging.js';
import { ConditionDto } from '../../actions/index.js';
import { Duration, EventName, Where } from '../definitions/run-condition.dto.js';
import { LocalTime } from '../definitions/step-definition.dto.js';

const PATH_MAX = 200;
const CRON_MAX = 200;
const ZONE_MAX = 64;
const PER_SECOND_MAX = 1_000;
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

const event = z
  .strictObject({
    kind: z.literal('event'),
    event: EventName,
    where: Where,
    entry_key: z
      .union([z.literal('message_id'), z.strictObject({ property: z.string().min(1).max(PATH_MAX) })])
      .optional()
      .meta({ description: 'what tells the runs of a parallel journey apart; the message id when left out' }),
  })
  .meta({ example: { kind: 'event', event: 'cart_left' } });

const schedule = z
  .strictObject({
    kind: z.literal('schedule'),
    cron: z.string().max(CRON_MAX).optional().meta({
      description: 'minute, hour, day of the month, month, day of the week (0 is Sunday)',
      example: '30 9 * * 1-5',
    }),
    at: LocalTime.optional().meta({ description: 'in place of `cron`, every day unless the next two say less' }),
    weekdays: z.array(z.enum(WEEKDAYS)).min(1).max(WEEKDAYS.length).optional(),
    day_of_month: z.number().int().min(1).max(31).optional(),
    time_zone: z
      .string()
      .max(ZONE_MAX)
      .meta({ description: "an IANA zone, or `user`: by each user's own clock", example: 'user' }),
    where: ConditionDto.meta({ description: 'Who enters: a condition on the profile.' }),
    per_second: z.number().int().min(1).max(PER_SECOND_MAX).optional(),
    spread: Duration.optional().meta({ description: 'each run begins at an instant of its own within so long' }),
  })
  .meta({
    example: {
      kind: 'schedule',
      at: '09:00',
      weekdays: ['monday'],
      time_zone: 'user',
      where: { kind: 'equals', attribute: 'lifecycle_stage', value: 'lead' },
    },
  });

/** What lets people into a journey by itself; what no shape can say is checked by `compile`. */
export const TriggerDto = z.discriminatedUnion('kind', [event, schedule]);

export const TriggerRefusalQuery = z.strictObject(pageFields);
export type TriggerRefusalQuery = z.infer<typeof TriggerRefusalQuery>;

export const TriggerRefusalView = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    event_name: z.string(),
    message_id: z.string(),
    code: z.string(),
    detail: z.string(),
    refused_at: z.iso.datetime(),
  })
  .meta({ id: 'TriggerRefusal' });
export type TriggerRefusalView = z.infer<typeof TriggerRefusalView>;

export const TriggerRefusalPage = pageOf(TriggerRefusalView);
