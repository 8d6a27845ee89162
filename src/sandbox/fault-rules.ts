import { z } from 'zod';
import { DESKS, PROVIDERS } from './wire.js';

const MS_MAX = 3_600_000;
const ms = z.number().int().min(0).max(MS_MAX);
const none = z.strictObject({}).default({});
const times = z.strictObject({ times: z.number().int().min(1).max(100).default(1) }).default({ times: 1 });

const common = {
  provider: z.enum([...PROVIDERS, ...DESKS]),
  match: z.union([z.literal('all'), z.strictObject({ recipient: z.string().min(1) })]).default('all'),
  /** How often it happens; without, for ever. */
  count: z.number().int().min(1).optional(),
  /** For which share of the requests or messages; drawn from seed, recipient and the how-manieth of that recipient. */
  probability: z.number().min(0).max(1).optional(),
  seed: z.number().int().optional(),
};

const kind = <Name extends string, Parameters extends z.ZodType>(name: Name, parameters: Parameters) =>
  z.strictObject({ ...common, kind: z.literal(name), parameters });

/** One rule of `PUT /admin/faults`. */
export const FaultRule = z.discriminatedUnion('kind', [
  kind('delay', z.strictObject({ ms })),
  kind('timeout_before', none),
  kind('timeout_after', none),
  kind('reset_before', none),
  kind('reset_after', none),
  kind(
    'error',
    z.strictObject({
      status: z.number().int().min(400).max(599),
      body: z.string().optional(),
      headers: z.record(z.string(), z.string()).default({}),
      /** SMTP alone: in answer to which command. */
      at: z.enum(['rcpt', 'data']).default('data'),
    }),
  ),
  kind(
    'rate_limited',
    z.strictObject({ retry_after_s: z.number().int().min(0).default(1) }).default({ retry_after_s: 1 }),
  ),
  kind('malformed', z.strictObject({ part: z.enum(['head', 'body']).default('body') }).default({ part: 'body' })),
  kind(
    'slow_drip',
    z
      .strictObject({ bytes: z.number().int().min(1).default(16), every_ms: ms.default(50) })
      .default({ bytes: 16, every_ms: 50 }),
  ),
  kind('callbacks_delayed', z.strictObject({ ms })),
  kind(
    'callbacks_duplicated',
    z.strictObject({ copies: z.number().int().min(1).max(20).default(1) }).default({ copies: 1 }),
  ),
  kind('callbacks_reordered', none),
  kind('callbacks_dropped', none),
  kind('hard_bounce', none),
  kind('soft_bounce', none),
  kind('complaint', none),
  kind('unsubscribe', none),
  kind('open', times),
  kind('click', times),
]);

export type FaultRule = z.infer<typeof FaultRule>;
export type FaultKind = FaultRule['kind'];

const RULES_MAX = 200;

/** Body of `PUT /admin/faults`: replaces all rules and forgets what the ones before have done. */
export const FaultSet = z.strictObject({
  seed: z.number().int().default(1),
  faults: z.array(FaultRule).max(RULES_MAX),
});

export type FaultSet = z.infer<typeof FaultSet>;

/** What happens to one request; the first rule that fires, delays aside. */
export type RequestFault = Extract<
  FaultRule,
  {
    kind:
      | 'timeout_before'
      | 'timeout_after'
      | 'reset_before'
      | 'reset_after'
      | 'error'
      | 'rate_limited'
      | 'malformed'
      | 'slow_drip';
  }
>;

export const REQUEST_FAULTS: ReadonlySet<FaultKind> = new Set([
  'timeout_before',
  'timeout_after',
  'reset_before',
  'reset_after',
  'error',
  'rate_limited',
  'malformed',
  'slow_drip',
] satisfies RequestFault['kind'][]);
