import { isDeepStrictEqual } from 'node:util';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { StepDefinition } from '../../src/core/journeys/definition.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/messages.js';
import { describeOnTemporal } from '../support/environment.js';
import { carriedFrom, JourneyStage, planOf, type StagedRun } from '../support/journey-stage.js';
import { until } from '../support/until.js';

const { KEYWORD } = SearchAttributeType;
const HOUR_MS = 3_600_000;
const SERVER_MS_MAX = 30_000;
const NAMES = [SEARCH_ATTRIBUTES.stepId, SEARCH_ATTRIBUTES.runState, SEARCH_ATTRIBUTES.exitReason];

const steps: readonly StepDefinition[] = [
  { kind: 'decide', id: 'nudge', actions: ['reminder', 'help'] },
  { kind: 'message', id: 'hello', channel: 'email', template: 'hello' },
  { kind: 'end', id: 'done', reason: 'converted' },
];

/** What the Temporal UI asks for to show the current details of a run. */
async function detailsOf({ handle }: StagedRun): Promise<string> {
  const { currentDetails } = await handle.query<{ currentDetails?: string }, []>('__temporal_workflow_metadata');
  return currentDetails ?? '';
}

/** The report of a wait may be here before the server has the attributes that came with it. */
async function attributesBecome({ handle }: StagedRun, wanted: readonly (string | undefined)[]): Promise<void> {
  let seen: readonly (string | undefined)[] = [];
  const areSo = async (): Promise<boolean> => {
    const { typedSearchAttributes } = await handle.describe();
    seen = NAMES.map((name) => typedSearchAttributes.get(defineSearchAttributeKey(name, KEYWORD)));
    return isDeepStrictEqual(seen, wanted);
  };
  await until(areSo, SERVER_MS_MAX, () => `search attributes ${wanted.join(', ')}; they are ${seen.join(', ')}`);
}

describeOnTemporal('a run in the Temporal UI', () => {
  const stage = new JourneyStage();
  beforeAll(() => stage.open('journeys-visibility'));
  afterAll(() => stage.close());

  it('tells where it is, what it waits for, and why it ended', async () => {
    const until = Date.now() + HOUR_MS;
    const answer = (input: { readonly step: { readonly id: string }; readonly ask: number }): StepAnswer => {
      if (input.step.id === 'nudge') return { kind: 'do_nothing', decisionId: 'decision-1', reason: 'BELOW_THRESHOLD' };
      if (input.ask === 1) return { kind: 'defer', decisionId: 'decision-2', reason: 'QUIET_HOURS', until };
      return { kind: 'skip', decisionId: 'decision-3', reason: 'CONSENT_WITHDRAWN' };
    };
    const plan = planOf(steps);
    const asked = [
      { step: { id: 'nudge' }, ask: 1 },
      { step: { id: 'hello' }, ask: 1 },
    ];
    // Asked a while ago, so that a wake takes effect at once.
    const carried = carriedFrom(plan, Date.now() - HOUR_MS, asked.map(answer));
    const run = await stage.start(plan, { answer }, { carried });
    const report = await run.progress('waiting', 'hello');
    expect(report).toMatchObject({ waitsFor: 'hello: put off, QUIET_HOURS', waitsUntil: until });
    await attributesBecome(run, ['hello', 'waiting', undefined]);
    const waiting = await detailsOf(run);
    expect(waiting).toContain('**Waiting**');
    expect(waiting).toContain('Step `hello` (message), visit 1, since ');
    expect(waiting).toContain(`Put off until ${new Date(until).toISOString()} after question 1, QUIET_HOURS`);
    expect(waiting).toContain('`nudge`: do_nothing, BELOW_THRESHOLD (no action was worth more than doing nothing)');

    await run.pause();
    await run.progress('paused', 'hello');
    await attributesBecome(run, ['hello', 'paused', undefined]);
    expect(await detailsOf(run)).toContain('**Paused**');
    await run.resume();
    await run.progress('waiting', 'hello', 2);
    await run.wake();
    await run.result();
    await attributesBecome(run, ['done', 'completed', 'converted']);
    const ended = await detailsOf(run);
    expect(ended).toContain('**Completed**');
    expect(ended).toContain('Reason: `converted`');
    expect(ended).toContain('`hello`: skip, CONSENT_WITHDRAWN (the user withdrew consent)');
  });

  it('says in one line what every timer and every activity is for', async () => {
    const answer = (input: { readonly ask: number }): StepAnswer =>
      input.ask === 1
        ? { kind: 'defer', decisionId: 'decision-1', reason: 'CAP_REACHED', until: Date.now() + 4_000 }
        : { kind: 'sent', decisionId: 'decision-2', deliveryId: 'delivery-1', action: 'hello' };
    const run = await stage.start(planOf(steps.slice(1)), { answer });
    await run.result();
    expect(await run.summaries()).toEqual([
      'hello: message, visit 1, ask 1',
      'hello: put off, CAP_REACHED',
      'hello: message, visit 1, ask 2',
      'record the end: converted',
    ]);
  });

  it('writes one search attribute event for a wait and one for the end', async () => {
    const wait: StepDefinition = { kind: 'wait', id: 'pause', duration: 'PT1S' };
    const run = await stage.start(planOf([wait, ...steps.slice(1)]));
    await run.result();
    expect(await run.eventKinds()).toEqual([
      'workflowExecutionStarted',
      'upsertWorkflowSearchAttributes',
      'timerStarted',
      'timerFired',
      ...['activityTaskScheduled', 'activityTaskStarted', 'activityTaskCompleted'],
      'upsertWorkflowSearchAttributes',
      ...['activityTaskScheduled', 'activityTaskStarted', 'activityTaskCompleted'],
      'workflowExecutionCompleted',
    ]);
  });
});
