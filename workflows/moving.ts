import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import type { JourneyActivities } from '../activities/contract.js';
import type { Input, InterpreterState } from '../src/core/journeys/interpreter.js';
import { lookUpOf } from '../src/core/journeys/listening.js';
import type { Settling } from '../src/core/journeys/migrating-types.js';
import type { Plan } from '../src/core/journeys/plan.js';
import { QUERY_OPTIONS } from './activity-options.js';
import { SEARCH_ATTRIBUTES, type JourneyInput } from './messages.js';

const JOURNEY_VERSION = defineSearchAttributeKey(SEARCH_ATTRIBUTES.journeyVersion, SearchAttributeType.INT);

const { recordMove } = proxyActivities<JourneyActivities>(QUERY_OPTIONS);

/** What a run was started with, as far as a migration changes it. */
export type ChangingInput = Omit<JourneyInput, 'run' | 'plan'> & {
  run: JourneyInput['run'];
  plan: JourneyInput['plan'];
};

/** The run goes on in the version of this plan; whoever holds the input sees it from here on. */
export function goOnIn(input: ChangingInput, plan: Plan): void {
  if (plan === input.plan) return;
  input.plan = plan;
  input.run = { ...input.run, journeyVersion: plan.version };
  upsertSearchAttributes([{ key: JOURNEY_VERSION, value: plan.version }]);
}

/** Records where the run stands after a migration, and answers what ended it before it could know. */
export async function settle(input: JourneyInput, state: InterpreterState, settling: Settling): Promise<Input> {
  const { migration, outcome, reason, from, isWaitKept } = settling;
  const summary =
    outcome === 'moved' ? `${from}: goes on in version ${input.plan.version}` : `${from}: stays, ${reason}`;
  const record = {
    run: input.run,
    migration,
    outcome,
    reason,
    from,
    stepId: state.cursor,
    isWaitKept,
    ...(outcome === 'moved' ? { exits: { ...lookUpOf(input.plan, null), after: state.entryAt } } : {}),
  };
  return { kind: 'recorded', event: await recordMove.executeWithOptions({ summary }, [record]) };
}
