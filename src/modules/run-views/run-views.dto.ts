import { z } from 'zod';
import { pageFields, pageOf } from '../../platform/http/paging.js';
import { DecisionView } from '../decisions/index.js';
import { DeliveryView } from '../deliveries/index.js';
import { RunRejectView, RunView } from '../journeys/index.js';

export const PathQuery = z.strictObject({
  limit: pageFields.limit,
  cursor: z
    .string()
    .regex(/^\d{1,4}$/, 'is not the next_cursor of an earlier page')
    .transform(Number)
    .optional()
    .meta({ description: 'The `next_cursor` of the page before.', example: undefined }),
});
export type PathQuery = z.infer<typeof PathQuery>;

export const RunDecisionsQuery = z.strictObject(pageFields);
export type RunDecisionsQuery = z.infer<typeof RunDecisionsQuery>;

const instant = z.iso.datetime();
const text = z.string().nullable();

const RunMoveView = z
  .object({
    seq: z.number().int().meta({ description: 'place among the steps that the run came to, from 1' }),
    step_id: z.string(),
    kind: text.meta({ description: 'of the step, where the version that the run follows still has it' }),
    visit: z.number().int(),
    entered_at: instant,
    left_at: instant.nullable().meta({ description: 'null while the run is there' }),
    outcome: text.meta({
      description:
        'what came of it: `sent`, `defer`, `skip`, `do_nothing` or `unknown` of a message or decision; `time`, `missing`, ' +
        '`past`, `event` or `timeout` of a wait; `then`, `otherwise` or `arm` of a branch or split; `done`, `failed` or ' +
        '`later` of an act; `limit` where the run had been there often enough; `moved` by an operator; `completed` or ' +
        '`exited` where the run ended',
    }),
    reason: text.meta({ description: 'reason code, name of the event or arm, or `branches[1]`' }),
    reason_text: text,
    decision_id: z.uuid().nullable(),
    next_step_id: text.meta({ description: 'where the run went' }),
  })
  .meta({ id: 'RunMove' });
export type RunMoveView = z.infer<typeof RunMoveView>;

export const RunPathPage = pageOf(RunMoveView);

const RunDecisionView = DecisionView.extend({
  explanation: text.meta({ description: 'why, in sentences; null once the person is erased' }),
  deliveries: z.array(DeliveryView),
}).meta({ id: 'RunDecision' });
export type RunDecisionView = z.infer<typeof RunDecisionView>;

export const RunDecisionsPage = pageOf(RunDecisionView);

const RunWaitView = z
  .object({
    step_id: text,
    kind: text,
    visit: z.number().int().nullable(),
    since: instant.nullable(),
    until: instant.nullable(),
    reason: text.meta({ description: 'why a message was put off or refused' }),
    reason_text: text,
    events: z
      .array(z.object({ event: z.string(), has_condition: z.boolean(), next_step_id: z.string() }))
      .meta({ description: 'events that end the wait' }),
    ends_on: z
      .array(z.object({ event: z.string(), has_condition: z.boolean(), outcome: z.enum(['completed', 'exited']) }))
      .meta({ description: 'events that end the run wherever it is' }),
    next_instants: z.array(
      z.object({ at: instant, what: z.enum(['goes_on', 'times_out', 'asks_again', 'tries_again', 'expires']) }),
    ),
    paused_at: instant.nullable(),
    exit_requested_at: instant.nullable(),
    is_start_pending: z.boolean(),
  })
  .meta({ id: 'RunWait', description: 'what the run does and waits for now' });
export type RunWaitView = z.infer<typeof RunWaitView>;

/** Everything about one run. */
export const RunStoryView = z
  .object({
    run: RunView,
    entry: z.object({ source: z.string(), entry_key: z.string(), entered_at: instant, version: z.number().int() }),
    waits: RunWaitView.nullable().meta({ description: 'null once the run is over' }),
    path: z.array(RunMoveView).meta({ description: 'the last 50 steps, oldest first; all of them: `/path`' }),
    decisions: z.array(RunDecisionView).meta({ description: 'the last 20, newest first; all of them: `/decisions`' }),
    rejects: z.array(RunRejectView).meta({ description: 'the last 20, newest first; all of them: `/rejects`' }),
    responses: z.array(z.object({ step_id: z.string(), response: z.unknown(), received_at: instant })),
  })
  .meta({ id: 'RunStory' });
export type RunStoryView = z.infer<typeof RunStoryView>;
