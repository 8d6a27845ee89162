import { z } from 'zod';
import { CONTENT_CHANNELS, PREFERABLE_CHANNELS } from '../../../core/content/content.js';
import { definitionKey as Key, lineOfText } from '../../../platform/http/fields.js';
import { scalar } from '../../actions/index.js';
import { Duration, EventName, RunConditionDto, Where } from './run-condition.dto.js';

const ACTIONS_MAX = 50;
const CONTEXT_MAX = 50;
const CHOICES_MAX = 20;
const VISITS_MAX = 100;
const TEXT_MAX = 200;
const ATTRIBUTE_MAX = 200;

/** A time of the day by the user's own clock. */
export const LocalTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a local time such as 21:00')
  .meta({ example: '21:00' });

/** What tells parallel runs of one user apart, e.g. an order id. */
export const EntryKey = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/);

const Ttl = Duration.optional().meta({ description: 'how long after the step began a message still makes sense' });
const OnRefusal = z
  .union([
    z.enum(['continue', 'exit']),
    z.strictObject({ step: Key }),
    z.strictObject({ wait: Duration.meta({ description: 'for so long, ask again whenever something changes' }) }),
  ])
  .default('continue')
  .meta({ description: 'what follows when a gate refuses', example: { wait: 'P7D' } });
const Next = Key.optional().meta({ description: 'the following step when left out' });
const head = {
  id: Key,
  max_visits: z.number().int().min(1).max(VISITS_MAX).optional().meta({ description: 'how often a run may come here' }),
  on_max_visits: Key.optional().meta({ description: 'where it goes from then on; goes with max_visits' }),
};
const targets = {
  next: Next,
  on_failure: Key.optional().meta({ description: 'when it can never be done; `next` when left out' }),
};

const sending = { ttl: Ttl, on_refusal: OnRefusal, next: Next };
const message = z
  .strictObject({
    kind: z.literal('message'),
    ...head,
    channel: z.enum(CONTENT_CHANNELS).meta({ description: 'that of the template' }),
    template: Key,
    ...sending,
  })
  .meta({ example: { kind: 'message', id: 'hello', channel: 'email', template: 'welcome' } });

const messageOnBestChannel = z
  .strictObject({
    kind: z.literal('message'),
    ...head,
    channel: z.literal('best').meta({ description: 'of the choices, the best one for the person' }),
    choices: z
      .array(z.strictObject({ channel: z.enum(PREFERABLE_CHANNELS), template: Key }))
      .min(2)
      .max(PREFERABLE_CHANNELS.length)
      .meta({ description: 'one for each channel; where nothing else tells two apart the earlier one comes first' }),
    ...sending,
  })
  .meta({
    example: {
      ...{ kind: 'message', id: 'remind', channel: 'best' },
      choices: [
        { channel: 'push', template: 'reminder_push' },
        { channel: 'email', template: 'reminder_email' },
      ],
    },
  });

/** Beside the values that are said, those of the profile when the step asks. */
const Context = z
  .record(Key, z.union([scalar, z.strictObject({ attribute: z.string().min(1).max(ATTRIBUTE_MAX) })]))
  .refine((values) => Object.keys(values).length <= CONTEXT_MAX, `at most ${CONTEXT_MAX} names`)
  .optional()
  .meta({
    description: 'The situation, matched with the context weights of actions: values, or paths of the profile.',
    example: { moment: 'after_trial', plan: { attribute: 'attributes.plan' } },
  });

const decide = z
  .strictObject({
    kind: z.literal('decide'),
    ...head,
    actions: z
      .array(Key)
      .min(1)
      .max(ACTIONS_MAX)
      .refine((keys) => new Set(keys).size === keys.length, 'names an action twice'),
    context: Context,
    ttl: Ttl,
    on_refusal: OnRefusal,
    next: Next,
  })
  .meta({ example: { kind: 'decide', id: 'best', actions: ['reminder', 'offer_of_help'] } });

const Until = z
  .union([
    z.strictObject({
      attribute: z.string().min(1).max(ATTRIBUTE_MAX).meta({ example: 'attributes.renews_on' }),
      before: Duration.optional(),
      after: Duration.optional(),
      at: LocalTime.optional(),
    }),
    z.strictObject({
      at: LocalTime,
      weekdays: z
        .array(z.enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']))
        .min(1)
        .max(7)
        .optional(),
    }),
  ])
  .meta({
    description: 'A date of the profile, or the next such local time; in the time zone of the user.',
    example: { attribute: 'attributes.renews_on', before: 'P3D', at: '09:00' },
  });

const wait = z
  .strictObject({
    kind: z.literal('wait'),
    ...head,
    duration: Duration.optional(),
    until: Until.optional(),
    between: z
      .tuple([Duration, Duration])
      .optional()
      .meta({ example: ['PT1H', 'PT3H'] }),
    on_missing: Key.optional().meta({ description: 'for users without such a date; `next` when left out' }),
    next: Next,
  })
  .meta({
    description: 'Exactly one of duration, until and between.',
    example: { kind: 'wait', id: 'rest', duration: 'P2D' },
  });

const waitFor = z
  .strictObject({
    kind: z.literal('wait_for'),
    ...head,
    event: EventName.optional(),
    on_event: Next,
    events: z
      .array(z.strictObject({ event: EventName, where: Where, next: Key }))
      .min(1)
      .max(CHOICES_MAX)
      .optional(),
    timeout: Duration,
    since: z.enum(['step', 'entry']).default('step'),
    on_timeout: Next,
  })
  .meta({
    description: 'Exactly one of event (with on_event) and events; the first event by event time wins.',
    example: { kind: 'wait_for', id: 'bought', event: 'purchase', on_event: 'thanks', timeout: 'P2D' },
  });

const branch = z
  .strictObject({
    kind: z.literal('branch'),
    ...head,
    condition: RunConditionDto.optional(),
    then: Next,
    branches: z
      .array(z.strictObject({ condition: RunConditionDto, next: Key }))
      .min(1)
      .max(CHOICES_MAX)
      .optional(),
    else: Next,
  })
  .meta({
    description: 'Exactly one of condition (with then) and branches, of which the first that holds is taken.',
    example: { kind: 'branch', id: 'is_pro', condition: { kind: 'exists', attribute: 'attributes.plan' }, then: 'pro' },
  });

const split = z
  .strictObject({
    kind: z.literal('split'),
    ...head,
    salt: lineOfText(TEXT_MAX).optional().meta({ description: 'journey key and step id when left out' }),
    arms: z
      .array(z.strictObject({ name: Key, percent: z.number().min(0).max(100), next: Key }))
      .min(2)
      .max(CHOICES_MAX),
  })
  .meta({
    description: 'Percent with at most two decimals, 100 in all.',
    example: {
      kind: 'split',
      id: 'test',
      arms: [
        { name: 'control', percent: 50, next: 'done' },
        { name: 'reminder', percent: 50, next: 'remind' },
      ],
    },
  });

const updateUser = z
  .strictObject({
    kind: z.literal('update_user'),
    ...head,
    set: z.record(z.string().min(1).max(ATTRIBUTE_MAX), scalar).meta({
      description: 'lifecycle_stage and attributes.<path>; null removes one',
      example: { 'attributes.onboarded': true },
    }),
    ...targets,
  })
  .meta({ example: { kind: 'update_user', id: 'mark', set: { lifecycle_stage: 'active' } } });

const webhook = z
  .strictObject({
    kind: z.literal('webhook'),
    ...head,
    endpoint: Key.meta({ description: 'key of a registered endpoint' }),
    data: z.record(z.string().min(1).max(64), scalar).optional(),
    ...targets,
  })
  .meta({ example: { kind: 'webhook', id: 'tell_crm', endpoint: 'crm', data: { reason: 'trial_ended' } } });

const startJourney = z
  .strictObject({
    kind: z.literal('start_journey'),
    ...head,
    journey: Key,
    entry_key: EntryKey.optional().meta({ description: 'for parallel journeys; one of this run when left out' }),
    ...targets,
  })
  .meta({ example: { kind: 'start_journey', id: 'onboard', journey: 'onboarding' } });

const goal = z
  .strictObject({ kind: z.literal('goal'), ...head, goal: lineOfText(TEXT_MAX), next: Next })
  .meta({ example: { kind: 'goal', id: 'activated', goal: 'activated' } });

const end = z
  .strictObject({ kind: z.literal('end'), id: Key, reason: lineOfText(TEXT_MAX).default('completed') })
  .meta({ example: { kind: 'end', id: 'done', reason: 'converted' } });

/** One step as its author writes it. What no shape can say, `compile` says. */
export const StepDto = z.discriminatedUnion('kind', [
  z.discriminatedUnion('channel', [message, messageOnBestChannel]),
  decide,
  wait,
  waitFor,
  branch,
  split,
  updateUser,
  webhook,
  startJourney,
  goal,
  end,
]);
