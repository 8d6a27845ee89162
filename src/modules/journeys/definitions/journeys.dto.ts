import { z } from 'zod';
import { definitionKey as Key, lineOfText } from '../../../platform/http/fields.js';
import { ConditionDto } from '../../actions/index.js';
import { TriggerDto } from '../entry/triggers.dto.js';
import { Duration, EventName, Where } from './run-condition.dto.js';
import { LocalTime, StepDto } from './step-definition.dto.js';

const STEPS_MAX = 200;
const LISTED_MAX = 100;
const TEXT_MAX = 200;
const PRIORITY_MAX = 1_000;

const EntriesMax = z.number().int().min(1).max(1_000_000_000).optional();
const QuietWindow = z.strictObject({ start: LocalTime, end: LocalTime }).optional();
const EventPattern = z.union([EventName, z.strictObject({ event: EventName, where: Where })]);

export const JourneyDefinitionDto = z
  .strictObject({
    key: Key,
    name: lineOfText(TEXT_MAX),
    description: z.string().max(2_000).optional(),
    entry: z
      .strictObject({
        mode: z.enum(['once', 'after_exit', 'parallel']),
        cool_down: Duration.optional(),
        where: ConditionDto.optional().meta({
          description: 'Only those whose profile meets this when they enter.',
          example: { kind: 'equals', attribute: 'attributes.plan', value: 'pro' },
        }),
        limits: z
          .strictObject({ total: EntriesMax, per_day: EntriesMax, running: EntriesMax })
          .optional()
          .meta({
            description: 'how many may enter ever, on a day in UTC, and be in it at a time',
            example: { per_day: 500 },
          }),
      })
      .default({ mode: 'once' }),
    triggers: z.array(TriggerDto).max(LISTED_MAX).optional().meta({ description: 'what lets people in by itself' }),
    exit: z
      .strictObject({ events: z.array(EventPattern).max(LISTED_MAX) })
      .default({ events: [] })
      .meta({ description: 'events that end a run wherever it waits', example: { events: ['purchase'] } }),
    goal: z
      .strictObject({ events: z.array(EventPattern).max(LISTED_MAX) })
      .optional()
      .meta({ description: 'events that complete a run wherever it waits', example: { events: ['purchase'] } }),
    quiet_hours: z
      .strictObject({
        ...{ email: QuietWindow, sms: QuietWindow, push: QuietWindow },
        ...{ in_app: QuietWindow, webhook: QuietWindow },
      })
      .optional(),
    conflict: z
      .strictObject({ group: Key, priority: z.number().int().min(-PRIORITY_MAX).max(PRIORITY_MAX).default(0) })
      .optional()
      .meta({ description: 'of the running runs of one user in one group, only the highest priority may send' }),
    start: Key.optional(),
    steps: z.array(StepDto).min(1).max(STEPS_MAX),
  })
  .meta({
    id: 'JourneyDefinition',
    description: 'A journey of Tactful. Durations are ISO 8601; `next` left out is the step below.',
    example: {
      key: 'welcome',
      name: 'Welcome',
      steps: [
        { kind: 'message', id: 'hello', channel: 'email', template: 'welcome' },
        { kind: 'end', id: 'done' },
      ],
    },
  });
export type JourneyDefinitionDto = z.infer<typeof JourneyDefinitionDto>;

export const JourneyView = z
  .object({
    id: z.uuid(),
    key: z.string(),
    name: z.string(),
    status: z.enum(['draft', 'published', 'paused', 'draining', 'stopped', 'archived']),
    status_since: z.iso.datetime(),
    status_by: z.string().nullable().meta({ description: 'who brought it there; null: nobody has moved it yet' }),
    status_reason: z.string().nullable(),
    current_version: z.number().int().nullable(),
    definition: z.unknown(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Journey' });
export type JourneyView = z.infer<typeof JourneyView>;

export const JourneyVersionView = z
  .object({
    version: z.number().int(),
    /** SHA-256 of the canonical definition, hex. */
    content_hash: z.string(),
    definition: z.unknown(),
    published_at: z.iso.datetime(),
  })
  .meta({ id: 'JourneyVersion' });
export type JourneyVersionView = z.infer<typeof JourneyVersionView>;
