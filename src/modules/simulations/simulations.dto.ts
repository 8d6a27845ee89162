import { z } from 'zod';
import { clockDomain, definitionKey, instant, lineOfText } from '../../platform/http/fields.js';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { ConditionDto } from '../actions/index.js';
import { userReference } from '../users/index.js';
import { SimulationResult } from './simulation-result.js';

const IDS_MAX = 10_000;
const LIMIT_DEFAULT = 10_000;
const LIMIT_MAX = 100_000;
const DAYS_DEFAULT = 30;
const DAYS_MAX = 90;
const SEED_MAX = 100;
const EVENTS_MAX = 50;
const EVENT_NAME_MAX = 200;

const version = z.number().int().min(1).max(1_000_000);
const days = z.number().int().min(1).max(DAYS_MAX);

const Users = z
  .strictObject({
    ids: z.array(userReference).min(1).max(IDS_MAX).optional(),
    where: ConditionDto.optional().meta({ description: 'On the profile, as it is now.' }),
    limit: z.number().int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT).meta({
      description: 'Of more users the first by id, which is the order in which they were made.',
    }),
  })
  .refine(({ ids, where }) => ids === undefined || where === undefined, {
    error: 'either ids or where',
    path: ['where'],
  });

const Events = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('history'), clock_domain: clockDomain }),
  z.strictObject({
    kind: z.literal('rates'),
    per_day: z
      .record(lineOfText(EVENT_NAME_MAX), z.number().min(0).max(1))
      .refine((rates) => Object.keys(rates).length <= EVENTS_MAX, `at most ${EVENTS_MAX} events`)
      .meta({ description: 'How probable each event is for a user in a day.' }),
  }),
]);

/** How a journey is to be tried. */
export const SimulationRequest = z
  .strictObject({
    version: version.optional().meta({ description: 'Left out: the draft.' }),
    compare_with: version.optional().meta({ description: 'Another version, for the same users, seed and events.' }),
    users: Users.default({ limit: LIMIT_DEFAULT }).meta({ description: 'Left out: everybody, up to the limit.' }),
    from: instant.optional().meta({
      description: 'When the first users enter; now when left out. It is told in this answer and not kept.',
    }),
    days: days.default(DAYS_DEFAULT),
    seed: lineOfText(SEED_MAX).default('1').meta({ description: 'The same seed draws the same.' }),
    entry: z
      .union([z.literal('at_once'), z.strictObject({ spread_days: days })])
      .default('at_once')
      .meta({ description: 'When users enter: all at `from`, or spread evenly over so many days.' }),
    events: Events.default({ kind: 'none' }).meta({
      description:
        'What users do meanwhile: nothing, what they really did (in the past), or what is drawn by the seed.',
    }),
  })
  .refine(({ entry, days: span }) => entry === 'at_once' || entry.spread_days <= span, {
    error: 'at most `days`',
    path: ['entry', 'spread_days'],
  })
  .meta({
    id: 'SimulationRequest',
    example: { days: 30, events: { kind: 'rates', per_day: { purchase: 0.02 } } },
  });
export type SimulationRequest = z.infer<typeof SimulationRequest>;

export const SimulationFilter = z.strictObject({ ...pageFields, journey: definitionKey.optional() });
export type SimulationFilter = z.infer<typeof SimulationFilter>;

const count = z.number().int();
const nullableInstant = z.iso.datetime().nullable();

const head = {
  id: z.uuid(),
  journey: z.string(),
  version: count.nullable().meta({ description: 'Null: the draft.' }),
  compare_with: count.nullable(),
  state: z.enum(['queued', 'running', 'done', 'failed', 'cancelled', 'interrupted']).meta({
    description: 'Interrupted: the process that worked on it has not been heard of for a minute.',
  }),
  progress: z.object({
    users_done: count,
    users_total: count.nullable().meta({ description: 'Null until the users are chosen.' }),
  }),
  days: count,
  seed: z.string(),
  events: z.string(),
  fault: z.string().nullable(),
  created_at: z.iso.datetime(),
  started_at: nullableInstant,
  finished_at: nullableInstant,
};

export const SimulationHeadView = z.object(head).meta({ id: 'SimulationHead' });
export type SimulationHeadView = z.infer<typeof SimulationHeadView>;
export const SimulationPage = pageOf(SimulationHeadView);

export const SimulationView = z.object({ ...head, result: SimulationResult.nullable() }).meta({ id: 'Simulation' });
export type SimulationView = z.infer<typeof SimulationView>;

export const StartedSimulationView = z
  .object({ ...head, from: z.iso.datetime().meta({ description: 'To be given again to get the same figures.' }) })
  .meta({ id: 'StartedSimulation' });
export type StartedSimulationView = z.infer<typeof StartedSimulationView>;
