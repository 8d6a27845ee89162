import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/kernel/instant.js';
import type { StepDefinition } from '../../src/core/journeys/definition.js';
import type { FoundEvent, RunStepInput } from '../../activities/contract.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { describeOnTemporal } from '../support/environment.js';
import { carriedFrom, JourneyStage, planOf } from '../support/journey-stage.js';
import { sent } from '../support/scripted-activities.js';

const message = (id: string): StepDefinition => ({ kind: 'message', id, channel: 'email', template: id });
const end = (reason: string): StepDefinition => ({ kind: 'end', id: reason, reason });
const purchase = (more: Partial<Extract<StepDefinition, { kind: 'wait_for' }>> = {}): StepDefinition => ({
  kind: 'wait_for',
  id: 'purchase',
  event: 'purchase',
  timeout: 'P2D',
  on_event: 'won',
  on_timeout: 'lost',
  ...more,
});
const monthLong: StepDefinition = { kind: 'wait', id: 'month', duration: 'P30D' };

const deferOnce =
  (until: number) =>
  ({ ask }: Pick<RunStepInput, 'ask'>): StepAnswer =>
    ask === 1 ? { kind: 'defer', decisionId: 'decision-1', reason: 'QUIET_HOURS', until } : sent;

describeOnTemporal('a run that waits in real time', () => {
  const stage = new JourneyStage();
  beforeAll(() => stage.open('journeys-waits'));
  afterAll(() => stage.close());

  it('goes on at once when the event comes', async () => {
    const run = await stage.start(planOf([message('hello'), purchase(), end('won'), end('lost')]));
    await run.progress('waiting', 'purchase');
    await run.event('purchase');
    expect(await run.result('real.event')).toEqual({ outcome: 'completed', reason: 'won' });
  });

  it('goes on at the time-out when nothing comes', async () => {
    const run = await stage.start(planOf([purchase({ timeout: 'PT1S' }), end('won'), end('lost')]));
    expect(await run.result('real.timeout')).toEqual({ outcome: 'completed', reason: 'lost' });
  });

  describe('and whose time-out comes an hour late, as after an outage', () => {
    const plan = planOf([purchase({ timeout: 'PT1M' }), end('won'), end('lost')], ['unsubscribed']);
    const start = (events: readonly FoundEvent[]) => {
      const enteredAt = Date.now() - HOUR_MS;
      const carried = carriedFrom(plan, enteredAt, []);
      const found = events.map((event) => ({ ...event, occurredAt: enteredAt + event.occurredAt }));
      return stage.start(plan, { events: () => found }, { enteredAt, carried });
    };

    it('goes by what happened in time though no signal told of it', async () => {
      const run = await start([
        { messageId: 'late', name: 'purchase', occurredAt: MINUTE_MS + 1 },
        { messageId: 'in-time', name: 'purchase', occurredAt: MINUTE_MS },
      ]);
      expect(await run.result('real.late-timeout')).toEqual({ outcome: 'completed', reason: 'won' });
    });

    it('takes the way of the time-out where nothing happened in time', async () => {
      const run = await start([{ messageId: 'late', name: 'purchase', occurredAt: MINUTE_MS + 1 }]);
      expect(await run.result()).toEqual({ outcome: 'completed', reason: 'lost' });
    });
  });

  it('asks again within seconds when what it has planned may be forbidden', async () => {
    const steps = [message('hello'), end('done')];
    const run = await stage.start(planOf(steps), { answer: deferOnce(Date.now() + HOUR_MS) });
    await run.progress('waiting', 'hello');
    // By itself this one would wait for the minute to be over.
    await run.wake();
    await run.wake({ because: 'consent_withdrawn', isUrgent: true });
    expect(await run.result('real.urgent-wake')).toEqual({ outcome: 'completed', reason: 'done' });
    const { events } = await run.handle.fetchHistory();
    const fired = new Set(events?.map((event) => event.timerFiredEventAttributes?.timerId));
    const seconds = (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
      fired.has(timer?.timerId) && timer !== null && timer !== undefined
        ? [Number(timer.startToFireTimeout?.seconds ?? 0)]
        : [],
    );
    // Neither the hour nor the minute was waited for.
    expect(Math.max(0, ...seconds)).toBeLessThanOrEqual(2);
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1', 'hello/1/2']);
  });

  it('asks nothing more at a time-out that comes in time', async () => {
    const run = await stage.start(planOf([purchase({ timeout: 'PT1S' }), end('won'), end('lost')]));
    expect(await run.result()).toEqual({ outcome: 'completed', reason: 'lost' });
    expect(stage.activities.callsOf(run.runKey).map(({ activity }) => activity)).toEqual(['finishRun']);
  });

  it('is not moved by an event that is older than the step, nor by another user action', async () => {
    const run = await stage.start(planOf([purchase(), end('won'), end('lost')], ['unsubscribed']));
    await run.progress('waiting', 'purchase');
    await run.event('purchase', Date.now() - HOUR_MS);
    await run.event('page_view');
    // It still waits when the next event comes.
    await run.event('unsubscribed');
    expect(await run.result()).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    // The timer was not started anew either.
    expect((await run.eventKinds()).filter((kind) => kind === 'timerStarted')).toHaveLength(1);
  });

  it('remembers an early event for a step that counts from entry', async () => {
    const steps = [
      { kind: 'wait', id: 'pause', duration: 'PT1S' } as const,
      purchase({ since: 'entry' }),
      end('won'),
      end('lost'),
    ];
    const run = await stage.start(planOf(steps));
    await run.progress('waiting', 'pause');
    await run.event('purchase');
    expect(await run.result('real.early-event')).toEqual({ outcome: 'completed', reason: 'won' });
  });

  it('does not lose an event that comes while the message before the wait goes out', async () => {
    const during: { event?: () => Promise<void> } = {};
    const answer = async (): Promise<StepAnswer> => {
      await during.event?.();
      return sent;
    };
    const steps = [{ kind: 'wait', id: 'pause', duration: 'PT1S' } as const, message('hello'), purchase()];
    const run = await stage.start(planOf([...steps, end('won'), end('lost')]), { answer });
    during.event = () => run.event('purchase');
    expect(await run.result()).toEqual({ outcome: 'completed', reason: 'won' });
  });

  it.each([
    ['counts', 'won', (enteredAt: number) => enteredAt + 1],
    ['does not count when it is older than the entry', 'lost', (enteredAt: number) => enteredAt],
  ])('an event from before the delayed start of the run %s', async (_what, reason, at) => {
    const enteredAt = Date.now() - HOUR_MS;
    const steps = [purchase({ timeout: 'PT1S' }), end('won'), end('lost')];
    const firstEvent = { messageId: 'first', name: 'purchase', occurredAt: at(enteredAt) };
    const run = await stage.start(planOf(steps), {}, { enteredAt, firstEvent });
    expect(await run.result(reason === 'won' ? 'real.late-start' : undefined)).toEqual({
      outcome: 'completed',
      reason,
    });
  });

  it('counts from its start when the clock of the enrolment is ahead', async () => {
    const run = await stage.start(
      planOf([purchase({ timeout: 'PT30S' }), end('won'), end('lost')]),
      {},
      { enteredAt: Date.now() + HOUR_MS },
    );
    await run.progress('waiting', 'purchase');
    await run.event('purchase');
    expect(await run.result()).toEqual({ outcome: 'completed', reason: 'won' });
  });

  it('takes the same event once, however often it is delivered', async () => {
    const again = purchase({ id: 'again', timeout: 'PT4S', on_event: 'twice', on_timeout: 'won' });
    const run = await stage.start(
      planOf([purchase({ on_event: 'again' }), again, end('twice'), end('won'), end('lost')]),
    );
    await run.progress('waiting', 'purchase');
    const occurredAt = Date.now();
    for (let copy = 0; copy < 3; copy += 1) await run.event('purchase', occurredAt, 'message-1');
    expect(await run.result('real.duplicates')).toEqual({ outcome: 'completed', reason: 'won' });
  });

  it('ends a 30-day wait at once on an exit event', async () => {
    const run = await stage.start(planOf([monthLong, message('late'), end('done')], ['unsubscribed']));
    await run.progress('waiting', 'month');
    await run.event('unsubscribed');
    expect(await run.result('real.exit-event')).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    expect(await run.eventKinds()).not.toContain('timerFired');
    expect(stage.activities.asked(run.runKey)).toEqual([]);
    expect(stage.activities.endOf(run.runKey)).toMatchObject({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
  });

  it('sends nothing when the exit event arrives together with the start', async () => {
    const firstEvent = { messageId: 'first', name: 'unsubscribed', occurredAt: Date.now() + 1_000 };
    const run = await stage.start(planOf([message('hello'), end('done')], ['unsubscribed']), {}, { firstEvent });
    expect(await run.result()).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    expect(stage.activities.asked(run.runKey)).toEqual([]);
  });

  it('lets a message on its way finish when the exit event comes, and sends no other', async () => {
    const during: { event?: () => Promise<void> } = {};
    const answer = async (): Promise<StepAnswer> => {
      await during.event?.();
      return sent;
    };
    const steps = [{ kind: 'wait', id: 'pause', duration: 'PT1S' } as const, message('first'), message('second')];
    const run = await stage.start(planOf([...steps, end('done')], ['unsubscribed']), { answer });
    during.event = () => run.event('unsubscribed');
    expect(await run.result()).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    expect(stage.activities.asked(run.runKey)).toEqual(['first/1/1']);
  });

  it('ends by the exit event that a step found written down before the run heard of it', async () => {
    const answer = (): StepAnswer => ({ kind: 'skip', decisionId: 'decision-1', reason: 'RUN_EXITED' });
    const run = await stage.start(planOf([message('hello'), end('done')], ['unsubscribed']), { answer });
    expect(await run.progress('waiting', 'hello')).toMatchObject({ waitsFor: 'hello: put off, RUN_EXITED' });
    await run.event('unsubscribed');
    expect(await run.result('real.run-exited')).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1']);
  });

  it('asks again when a deferral is over', async () => {
    const run = await stage.start(planOf([message('hello'), end('done')]), { answer: deferOnce(Date.now() + 1_500) });
    expect(await run.result('real.deferral')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1', 'hello/1/2']);
  });

  it('asks again at once when something about the user changed', async () => {
    const plan = planOf([message('hello'), end('done')]);
    const putOff = deferOnce(Date.now() + DAY_MS);
    const askedAt = Date.now() - 2 * MINUTE_MS;
    const carried = carriedFrom(plan, askedAt, [putOff({ ask: 1 })]);
    const run = await stage.start(plan, { answer: putOff }, { carried });
    await run.progress('waiting', 'hello');
    await run.wake();
    expect(await run.result('real.wake')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/2']);
  });

  it('gathers the wakes of the minute after a question', async () => {
    const answer = deferOnce(Date.now() + DAY_MS);
    const run = await stage.start(planOf([message('hello'), end('done')], ['unsubscribed']), { answer });
    const before = Date.now();
    await run.progress('waiting', 'hello');
    for (let wake = 0; wake < 5; wake += 1) await run.wake();
    const { waitsUntil } = await run.progress('waiting', 'hello', 2);
    expect(waitsUntil).toBeGreaterThan(before);
    expect(waitsUntil).toBeLessThanOrEqual(Date.now() + MINUTE_MS);
    await run.event('unsubscribed');
    expect(await run.result('real.wakes')).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1']);
    // One for the deferral, one for the minute: later wakes start no other.
    expect((await run.eventKinds()).filter((kind) => kind === 'timerStarted')).toHaveLength(2);
  });

  it('does not cut short a wait that its author asked for', async () => {
    const steps = [{ kind: 'wait', id: 'pause', duration: 'PT2S' } as const, end('done')];
    const before = Date.now();
    const run = await stage.start(planOf(steps));
    await run.progress('waiting', 'pause');
    await run.wake();
    await run.result();
    expect(Date.now() - before).toBeGreaterThanOrEqual(2_000);
  });

  it.each([
    ['continue', { outcome: 'completed', reason: 'done' }],
    ['exit', { outcome: 'exited', reason: 'refused:CONSENT_MISSING' }],
  ] as const)('does what the step says on refusal: %s', async (onRefusal, expected) => {
    const steps: StepDefinition[] = [
      { kind: 'message', id: 'hello', channel: 'email', template: 'hello', on_refusal: onRefusal },
      end('done'),
    ];
    const answer = (): StepAnswer => ({ kind: 'skip', decisionId: 'decision-1', reason: 'CONSENT_MISSING' });
    const run = await stage.start(planOf(steps), { answer });
    expect(await run.result()).toEqual(expected);
  });
});
