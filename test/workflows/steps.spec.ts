import { jest } from '@jest/globals';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/core/kernel/instant.js';
import type { FoundEvent } from '../../activities/contract.js';
import type { Act, Moment, Plan, Step, Watch } from '../../src/core/journeys/plan.js';
import type { ActAnswer, StepAnswer } from '../../src/core/journeys/step-answer.js';
import { describeOnTemporal } from '../support/environment.js';
import { carriedFrom, JourneyStage, type StagedRun } from '../support/journey-stage.js';
import { actStep, arm, endStep, messageStep, planOfSteps, waitStep } from '../support/plans.js';
import { sent } from '../support/scripted-activities.js';

const EVENTS_MAX = 25;
const ROUNDS = 6;
jest.setTimeout(300_000);

const moment: Moment = {
  kind: 'attribute',
  attribute: 'attributes.trial_ends_on',
  days: -3,
  offsetMs: 0,
  localMinute: 540,
};
const until = (id: string, next: string): Step => ({ kind: 'wait_until', id, moment, next, onMissing: 'missing' });
const random = (minMs: number, maxMs: number, next: string): Step => ({
  kind: 'wait_random',
  id: 'spread',
  minMs,
  maxMs,
  next,
});
/** `user`, of whom the runs of the stage are, stands in the first arm. */
const split = (first: string, second: string, more: Pick<Step, 'limit'> = {}): Step => ({
  kind: 'split',
  id: 'split',
  salt: 'trial/split',
  arms: [
    { name: 'first', weight: 2_000, next: first },
    { name: 'second', weight: 8_000, next: second },
  ],
  ...more,
});

const choose = (first: string, second: string, otherwise: string): Step => ({
  kind: 'choose',
  id: 'choose',
  arms: [
    { condition: { kind: 'event', name: 'page_view', within: 'P1D', at_least: 3 }, next: first },
    { condition: { kind: 'outcome', step: 'hello', is: 'sent' }, next: second },
  ],
  otherwise,
});
const webhook: Act = { kind: 'webhook', endpoint: 'crm', data: { stage: 'trial' } };
const purchases: Step = {
  kind: 'wait_for_any',
  id: 'purchase',
  arms: [arm('purchase', 'large', 0), arm('signup', 'signed')],
  timeoutMs: 2 * DAY_MS,
  since: 'step',
  onTimeout: 'late',
};
const listeners: NonNullable<Plan['listeners']> = [
  { event: 'purchase', where: { kind: 'greater_than', attribute: 'total', value: 100 } },
];
const goal: Watch = { event: 'purchase', listener: 0, outcome: 'completed', reason: 'goal:purchase' };
const refusedFor = (forMs: number): Plan =>
  planOfSteps([messageStep('hello', 'done', { onRefusal: { kind: 'wait', forMs } }), endStep('done')]);
const noConsent: StepAnswer = { kind: 'skip', decisionId: 'decision-1', reason: 'CONSENT_MISSING' };

function timersOf(kinds: readonly string[]): number {
  return kinds.filter((kind) => kind === 'timerStarted').length;
}

describeOnTemporal('the steps in real time', () => {
  const stage = new JourneyStage();
  beforeAll(() => stage.open('journeys-steps'));
  afterAll(() => stage.close());

  const callsOf = (run: StagedRun, activity: string) =>
    stage.activities.callsOf(run.runKey).filter((call) => call.activity === activity);

  it('waits until the moment that the activity names', async () => {
    const before = Date.now();
    const plan = planOfSteps([until('trial', 'done'), endStep('done'), endStep('missing')]);
    const run = await stage.start(plan, { moment: () => before + 2 * SECOND_MS });
    expect(await run.result('real.wait-until')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(Date.now() - before).toBeGreaterThanOrEqual(2 * SECOND_MS);
    const [asked] = callsOf(run, 'findMoment');
    expect(asked).toMatchObject({ stepId: 'trial', moment, clock: { kind: 'real' } });
    expect(asked).toHaveProperty('from', expect.any(Number));
  });

  it('starts no timer for a moment that is past or missing', async () => {
    const steps = [until('first', 'second'), until('second', 'done'), endStep('done'), endStep('missing')];
    const moments = { first: Date.now() - DAY_MS } as Readonly<Record<string, number>>;
    const run = await stage.start(planOfSteps(steps), { moment: ({ stepId }) => moments[stepId] ?? null });
    expect(await run.result('real.no-moment')).toEqual({ outcome: 'completed', reason: 'missing' });
    expect(timersOf(await run.eventKinds())).toBe(0);
  });

  it('waits a drawn time', async () => {
    const before = Date.now();
    const plan = planOfSteps([random(SECOND_MS, 2 * SECOND_MS, 'done'), endStep('done')]);
    const run = await stage.start(plan);
    const { waitsUntil } = await run.progress('waiting', 'spread');
    expect(waitsUntil).toBeGreaterThanOrEqual(before + SECOND_MS);
    expect(waitsUntil).toBeLessThan(Date.now() + 2 * SECOND_MS);
    expect(await run.result('real.wait-random')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(Date.now() - before).toBeGreaterThanOrEqual(SECOND_MS);
  });

  it('keeps arms, draws and visits in new executions, and ends a loop at its limit', async () => {
    const limit = { visits: ROUNDS, next: 'enough' };
    const steps = [
      split('hello', 'wrong', { limit }),
      messageStep('hello', 'spread'),
      random(1, 300, 'split'),
      endStep('wrong'),
      endStep('enough'),
    ];
    const run = await stage.start(planOfSteps(steps), {}, { eventsMax: EVENTS_MAX });
    const first = await run.handle.describe();
    expect(await run.result()).toEqual({ outcome: 'completed', reason: 'enough' });
    const last = await run.handle.describe();
    expect(last.runId).not.toBe(first.runId);
    await run.record('real.draws-cut', first.runId);
    await run.record('real.draws-continued', last.runId);
    const visits = Array.from({ length: ROUNDS }, (_, index) => `hello/${index + 1}/1`);
    expect(stage.activities.asked(run.runKey)).toEqual(visits);
  });

  it.each<[number | null, string]>([
    [0, 'viewed'],
    [1, 'told'],
    [null, 'neither'],
  ])('goes the way of the condition that holds: %s', async (choice, reason) => {
    const ends = ['viewed', 'told', 'neither'].map(endStep);
    const plan = planOfSteps([messageStep('hello', 'choose'), choose('viewed', 'told', 'neither'), ...ends]);
    const run = await stage.start(plan, { choice: () => choice });
    expect(await run.result(choice === 1 ? 'real.choose' : undefined)).toEqual({ outcome: 'completed', reason });
    expect(callsOf(run, 'chooseBranch')).toMatchObject([{ conditions: [{ kind: 'event' }, { kind: 'outcome' }] }]);
  });

  it('does what is no contact, and goes elsewhere when that can never be done', async () => {
    const acts: readonly Act[] = [
      { kind: 'update_user', set: { 'attributes.plan': 'pro' } },
      { kind: 'start_journey', journey: 'winback', entryKey: null },
      { kind: 'reach_goal', goal: 'tried' },
      webhook,
    ];
    const ids = acts.map((_, index) => `act${index}`);
    const steps = acts.map((act, index) => actStep(`act${index}`, act, ids[index + 1] ?? 'done'));
    const run = await stage.start(planOfSteps([...steps, endStep('done'), endStep('failed')]), {
      act: ({ act }) => ({ kind: act.kind === 'webhook' ? 'failed' : 'done' }),
    });
    expect(await run.result('real.act')).toEqual({ outcome: 'completed', reason: 'failed' });
    expect(callsOf(run, 'act')).toMatchObject(ids.map((stepId, index) => ({ stepId, visit: 1, act: acts[index] })));
  });

  it('repeats an act that failed, and lets an exit take effect only after its answer', async () => {
    const during: { exit?: () => Promise<void> } = {};
    let failures = 1;
    const act = async (): Promise<ActAnswer> => {
      await during.exit?.();
      delete during.exit;
      if (failures-- > 0) throw new Error('the database is away');
      return { kind: 'done' };
    };
    const steps = [
      waitStep('pause', SECOND_MS, 'call'),
      actStep('call', webhook, 'hello'),
      messageStep('hello', 'done'),
    ];
    const plan = planOfSteps([...steps, endStep('done'), endStep('failed')], { exitEvents: ['unsubscribed'] });
    const run = await stage.start(plan, { act });
    during.exit = () => run.event('unsubscribed');
    expect(await run.result('real.exit-during-act')).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    expect(callsOf(run, 'act')).toHaveLength(2);
    expect(stage.activities.asked(run.runKey)).toEqual([]);
  });

  it('does again, after a wait, what was not possible yet', async () => {
    const instants: number[] = [];
    const act = (): ActAnswer => {
      if (instants.length > 0) return { kind: 'done' };
      instants.push(Date.now() + 4 * SECOND_MS);
      return { kind: 'later', until: instants[0] ?? Number.NaN };
    };
    const plan = planOfSteps([actStep('call', webhook, 'done'), endStep('done'), endStep('failed')]);
    const run = await stage.start(plan, { act });
    const { waitsFor, waitsUntil } = await run.progress('waiting', 'call');
    expect({ waitsFor, waitsUntil }).toEqual({
      waitsFor: 'call: not possible yet, tries again',
      waitsUntil: instants[0],
    });
    expect(await run.result('real.act-later')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(Date.now()).toBeGreaterThanOrEqual(waitsUntil ?? Number.NaN);
    expect(callsOf(run, 'act')).toMatchObject([{ visit: 1 }, { visit: 1 }]);
  });

  it('leaves at once by an exit event while it waits to do something again', async () => {
    const steps = [actStep('call', webhook, 'done'), endStep('done'), endStep('failed')];
    const plan = planOfSteps(steps, { exitEvents: ['unsubscribed'] });
    const run = await stage.start(plan, { act: () => ({ kind: 'later', until: Date.now() + HOUR_MS }) });
    await run.progress('waiting', 'call');
    await run.event('unsubscribed');
    expect(await run.result('real.act-exit')).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    expect(await run.eventKinds()).not.toContain('timerFired');
    expect(callsOf(run, 'act')).toHaveLength(1);
  });

  it('goes on by the first event that fits an arm', async () => {
    const plan = planOfSteps([purchases, ...['large', 'signed', 'late'].map(endStep)], { listeners });
    const run = await stage.start(plan);
    expect(await run.progress('waiting', 'purchase')).toMatchObject({
      waitsFor: 'purchase: wait for purchase, signup',
    });
    await run.event('purchase');
    await run.matchingEvent('purchase', [0]);
    expect(await run.result('real.wait-for-any')).toEqual({ outcome: 'completed', reason: 'large' });
    // What did not fit moved nothing.
    expect(timersOf(await run.eventKinds())).toBe(1);
  });

  it('completes by a goal in the middle of a long wait', async () => {
    const steps = [waitStep('month', 30 * DAY_MS, 'hello'), messageStep('hello', 'done'), endStep('done')];
    const run = await stage.start(planOfSteps(steps, { listeners, watches: [goal] }));
    await run.progress('waiting', 'month');
    await run.event('purchase');
    await run.matchingEvent('purchase', [0]);
    expect(await run.result('real.goal')).toEqual({ outcome: 'completed', reason: 'goal:purchase' });
    expect(await run.eventKinds()).not.toContain('timerFired');
    expect(stage.activities.endOf(run.runKey)).toMatchObject({ outcome: 'completed', reason: 'goal:purchase' });
  });

  it('waits on a refusal, asks again when something about the user changed, and gives up at the end', async () => {
    const plan = refusedFor(DAY_MS);
    const carried = carriedFrom(plan, Date.now() - 2 * MINUTE_MS, [noConsent]);
    const run = await stage.start(plan, { answer: () => sent }, { carried });
    const waitsFor = 'hello: refused, CONSENT_MISSING, waits for a change';
    expect(await run.progress('waiting', 'hello')).toMatchObject({ waitsFor });
    await run.wake();
    expect(await run.result('real.refused-and-woken')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/2']);
    const alone = await stage.start(refusedFor(SECOND_MS), { answer: () => noConsent });
    expect(await alone.result('real.refused')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(alone.runKey)).toEqual(['hello/1/1']);
  });

  it('says in one line what each activity is for, without anything about the user', async () => {
    const set = { 'attributes.name': 'Ada Lovelace' };
    const steps = [
      until('trial', 'choose'),
      choose('missing', 'missing', 'call'),
      actStep('call', { kind: 'update_user', set }, 'missing'),
      endStep('missing'),
    ];
    const run = await stage.start(planOfSteps(steps), { moment: () => Date.now() - DAY_MS });
    await run.result();
    expect(await run.summaries()).toEqual([
      'trial: work out until when to wait',
      'choose: test the conditions',
      'call: update_user, visit 1',
      'record the end: missing',
    ]);
  });

  it('goes to another step when refused', async () => {
    const onRefusal = { kind: 'go_to', step: 'call' } as const;
    const steps = [messageStep('hello', 'done', { onRefusal }), actStep('call', webhook, 'instead')];
    const run = await stage.start(planOfSteps([...steps, ...['done', 'instead', 'failed'].map(endStep)]), {
      answer: () => noConsent,
    });
    expect(await run.result('real.go-to')).toEqual({ outcome: 'completed', reason: 'instead' });
  });
});

describeOnTemporal('the steps in virtual time', () => {
  const stage = new JourneyStage();
  beforeAll(() => stage.open('journeys-steps-virtual'));
  afterAll(() => stage.close());

  it('passes every kind of step, each at its time', async () => {
    const startedAt = Date.now();
    const trialEndsAt = startedAt + 10 * DAY_MS;
    const steps = [
      until('trial', 'spread'),
      random(HOUR_MS, DAY_MS, 'split'),
      split('hello', 'wrong'),
      messageStep('hello', 'choose'),
      choose('wrong', 'purchase', 'wrong'),
      purchases,
      actStep('large', webhook, 'trial'),
      ...['signed', 'wrong', 'late', 'failed', 'enough', 'missing'].map(endStep),
    ];
    const events: readonly FoundEvent[] = [
      { messageId: 'small', name: 'purchase', occurredAt: trialEndsAt + 36 * HOUR_MS },
      { messageId: 'large', name: 'purchase', occurredAt: trialEndsAt + 40 * HOUR_MS, matches: [0] },
    ];
    const limited = steps.map((step) =>
      step.id === 'trial' ? { ...step, limit: { visits: 1, next: 'enough' } } : step,
    );
    const run = await stage.start(
      planOfSteps(limited, { listeners, exitEvents: ['unsubscribed'] }),
      { moment: () => trialEndsAt, choice: () => 1, events: () => events },
      { domain: 'every-step' },
    );
    expect(await run.result('virtual.every-step')).toEqual({ outcome: 'completed', reason: 'enough' });
    const hours = stage.activities.callsOf(run.runKey).flatMap((call) => {
      if (call.activity === 'findEvent') return [];
      const elapsedMs = call.clock.kind === 'virtual' ? call.clock.now - trialEndsAt : Number.NaN;
      return [{ activity: call.activity, hours: elapsedMs / HOUR_MS }];
    });
    const [moment, hello, chosen, act, end] = hours;
    expect(hours.map(({ activity }) => activity)).toEqual([
      'findMoment',
      'runStep',
      'chooseBranch',
      'act',
      'finishRun',
    ]);
    expect(moment?.hours).toBeCloseTo(-240, 0);
    expect(hello?.hours).toBeGreaterThanOrEqual(1);
    expect(hello?.hours).toBeLessThan(25);
    expect(chosen?.hours).toBeCloseTo(hello?.hours ?? Number.NaN, 1);
    for (const last of [act, end]) expect(last?.hours).toBeCloseTo(40, 1);
  });

  it('completes at the time of a goal that falls into a plain wait, and not by an event that does not fit', async () => {
    const startedAt = Date.now();
    const events: readonly FoundEvent[] = [
      { messageId: 'small', name: 'purchase', occurredAt: startedAt + DAY_MS },
      { messageId: 'large', name: 'purchase', occurredAt: startedAt + 3 * DAY_MS, matches: [0] },
    ];
    const steps = [waitStep('month', 30 * DAY_MS, 'hello'), messageStep('hello', 'done'), endStep('done')];
    const plan = planOfSteps(steps, { listeners, watches: [goal] });
    const run = await stage.start(plan, { events: () => events }, { domain: 'goal' });
    expect(await run.result('virtual.goal')).toEqual({ outcome: 'completed', reason: 'goal:purchase' });
    const { endedAt } = stage.activities.endOf(run.runKey);
    expect(Math.round((endedAt - startedAt) / HOUR_MS)).toBe(72);
    expect((await run.summaries())[0]).toBe('month: look for purchase');
  });

  it('goes on after a refusal when its time is over, counted from the first', async () => {
    const startedAt = Date.now();
    const during: { wake?: () => Promise<void> } = {};
    const answer = async (): Promise<StepAnswer> => {
      await during.wake?.();
      delete during.wake;
      return noConsent;
    };
    const run = await stage.start(refusedFor(5 * DAY_MS), { answer }, { domain: 'refused', isPaused: true });
    during.wake = () => run.wake();
    await run.command('resume');
    expect(await run.result('virtual.refused')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1', 'hello/1/2']);
    const { endedAt } = stage.activities.endOf(run.runKey);
    expect(Math.round((endedAt - startedAt) / HOUR_MS)).toBe(120);
  });

  it('goes the ways of limits, acts and refusals like in real time', async () => {
    const onRefusal = { kind: 'go_to', step: 'call' } as const;
    const steps = [
      messageStep('hello', 'wrong', { onRefusal, limit: { visits: 2, next: 'enough' } }),
      actStep('call', webhook, 'wrong'),
      { ...waitStep('failed', 3 * DAY_MS, 'hello') },
      ...['wrong', 'enough'].map(endStep),
    ];
    const run = await stage.start(
      planOfSteps(steps),
      { answer: () => noConsent, act: () => ({ kind: 'failed' }) },
      { domain: 'limits' },
    );
    expect(await run.result('virtual.limits')).toEqual({ outcome: 'completed', reason: 'enough' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1', 'hello/2/1']);
  });
});
