import { z } from 'zod';
import type { RunCondition } from '../../../core/audiences/run-condition.js';
import { definitionKey as Key, lineOfText, word } from '../../../platform/http/fields.js';
import { attributeTests, ConditionDto } from '../../actions/index.js';

const OF_MAX = 100;
const ATTRIBUTE_MAX = 200;
const NAME_MAX = 200;
const EVENTS_COUNTED_MAX = 1_000;

const attribute = z.string().min(1).max(ATTRIBUTE_MAX).meta({
  description: 'Dotted path in the profile, or `run.responses.<step>` and on into what a webhook answered.',
  example: 'attributes.plan',
});

/** An ISO 8601 duration; `compile` says what is wrong with one. */
export const Duration = z
  .string()
  .max(40)
  .meta({ description: 'ISO 8601 duration of weeks to seconds', example: 'PT1H' });

/** The name of an event. */
export const EventName = lineOfText(NAME_MAX).meta({ example: 'purchase' });

/** A condition on the properties of an event. */
export const Where = ConditionDto.optional().meta({
  description: 'Counts only events whose properties meet this; `attribute` is a path in the properties.',
  example: { kind: 'greater_than', attribute: 'amount', value: 100 },
});

const event = z
  .strictObject({
    kind: z.literal('event'),
    name: EventName,
    within: Duration.optional().meta({ description: 'How far back; since the run began when left out.' }),
    at_least: z.number().int().min(1).max(EVENTS_COUNTED_MAX).optional().meta({ description: 'One when left out.' }),
    where: Where,
  })
  .meta({ description: 'It happened.', example: { kind: 'event', name: 'login', within: 'P7D', at_least: 3 } });
const consent = z.strictObject({ kind: z.literal('consent'), purpose: word, channel: word }).meta({
  description: 'Consent and objection would let a message of this purpose go out on this channel.',
  example: { kind: 'consent', purpose: 'marketing', channel: 'email' },
});
const outcome = z
  .strictObject({
    kind: z.literal('outcome'),
    step: Key,
    is: z.enum(['sent', 'skipped', 'nothing', 'unknown', 'delivered', 'opened', 'clicked', 'bounced', 'complained']),
  })
  .meta({
    description: 'What became of the last visit of a step of this run.',
    example: { kind: 'outcome', step: 'reminder', is: 'delivered' },
  });

/** A condition tree over the user and the run, see `RunCondition` in the core. `compile` limits its size. */
export const RunConditionDto: z.ZodType<RunCondition> = z
  .lazy(() =>
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('all'), of: z.array(RunConditionDto).min(1).max(OF_MAX) }),
      z.strictObject({ kind: z.literal('any'), of: z.array(RunConditionDto).min(1).max(OF_MAX) }),
      z.strictObject({ kind: z.literal('not'), of: RunConditionDto }),
      ...attributeTests(attribute),
      event,
      consent,
      outcome,
    ]),
  )
  .meta({ id: 'RunCondition' });
