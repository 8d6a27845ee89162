import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/kernel/instant.js';
import type { StepDefinition } from '../../src/core/journeys/definition.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { describeOnTemporal } from '../support/environment.js';
import { JourneyStage, planOf } from '../support/journey-stage.js';
import { sent } from '../support/scripted-activities.js';

const twoWeeks: readonly StepDefinition[] = [
  { kind: 'message', id: 'welcome', channel: 'email', template: 'welcome' },
  { kind: 'wait', id: 'settle', duration: 'P2D' },
  { kind: 'decide', id: 'nudge', actions: ['reminder', 'help'] },
  { kind: 'wait_for', id: 'purchase', event: 'purchase', timeout: 'P5D', on_event: 'thanks', on_timeout: 'test' },
  {
    kind: 'branch',
    id: 'test',
    condition: { kind: 'equals', attribute: 'stage', value: 'trial' },
    then: 'rest',
    else: 'lost',
  },
  { kind: 'wait', id: 'rest', duration: 'P1W' },
  { kind: 'message', id: 'last', channel: 'email', template: 'last' },
  { kind: 'end', id: 'lost', reason: 'no_purchase' },
  { kind: 'message', id: 'thanks', channel: 'email', template: 'thanks' },
  { kind: 'end', id: 'won', reason: 'converted' },
];

describeOnTemporal('a journey in virtual time', () => {
  const stage = new JourneyStage();
  beforeAll(() => stage.open('journeys-virtual-time'));
  afterAll(() => stage.close());

  it('passes two weeks in seconds, and every activity hears what time it is in the run', async () => {
    const before = Date.now();
    const run = await stage.start(planOf(twoWeeks), { holds: () => true }, { domain: 'two-weeks' });
    expect(await run.result('virtual.two-weeks')).toEqual({ outcome: 'completed', reason: 'no_purchase' });
    expect(Date.now() - before).toBeLessThan(HOUR_MS);
    expect(stage.activities.asked(run.runKey)).toEqual(['welcome/1/1', 'nudge/1/1', 'last/1/1']);
    const nows = stage.activities.callsOf(run.runKey).flatMap((call) => {
      if (call.activity === 'findEvent') return [];
      return call.clock.kind === 'virtual' ? [call.clock.now - before] : [Number.NaN];
    });
    const days = nows.map((elapsedMs) => Math.round((elapsedMs / DAY_MS) * 100) / 100);
    expect(days).toEqual([0, 2, 7, 14, 14]);
  });

  it('goes on at the time of the first matching event after the step began', async () => {
    const startedAt = Date.now();
    const events = [
      { messageId: 'too-early', name: 'purchase', occurredAt: startedAt + DAY_MS },
      { messageId: 'second', name: 'purchase', occurredAt: startedAt + 4 * DAY_MS },
      { messageId: 'first', name: 'purchase', occurredAt: startedAt + 3 * DAY_MS },
    ];
    const run = await stage.start(planOf(twoWeeks), { events: () => events }, { domain: 'event' });
    expect(await run.result('virtual.event')).toEqual({ outcome: 'completed', reason: 'converted' });
    expect(stage.activities.asked(run.runKey)).toEqual(['welcome/1/1', 'nudge/1/1', 'thanks/1/1']);
    const { endedAt } = stage.activities.endOf(run.runKey);
    expect(endedAt - startedAt).toBeGreaterThanOrEqual(3 * DAY_MS);
    expect(endedAt - startedAt).toBeLessThan(3 * DAY_MS + HOUR_MS);
  });

  it('ends at the time of an exit event that falls into a plain wait', async () => {
    const startedAt = Date.now();
    const events = [{ messageId: 'stop', name: 'unsubscribed', occurredAt: startedAt + DAY_MS }];
    const run = await stage.start(planOf(twoWeeks, ['unsubscribed']), { events: () => events }, { domain: 'exit' });
    expect(await run.result('virtual.exit-event')).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    expect(stage.activities.asked(run.runKey)).toEqual(['welcome/1/1']);
    const { endedAt } = stage.activities.endOf(run.runKey);
    expect(endedAt - startedAt).toBeGreaterThanOrEqual(DAY_MS);
    expect(endedAt - startedAt).toBeLessThan(DAY_MS + HOUR_MS);
  });

  it('ends at the time of an exit event that falls into a deferral', async () => {
    const startedAt = Date.now();
    const events = [{ messageId: 'stop', name: 'unsubscribed', occurredAt: startedAt + 2 * HOUR_MS }];
    const answer = () =>
      ({ kind: 'defer', decisionId: 'decision', reason: 'QUIET_HOURS', until: startedAt + 8 * HOUR_MS }) as const;
    const run = await stage.start(
      planOf(twoWeeks, ['unsubscribed']),
      { answer, events: () => events },
      { domain: 'deferral' },
    );
    expect(await run.result()).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    expect(stage.activities.asked(run.runKey)).toEqual(['welcome/1/1']);
  });

  it('asks again a minute after a question during which something about the user changed', async () => {
    const startedAt = Date.now();
    const during: { wake?: () => Promise<void> } = {};
    const until = startedAt + 8 * HOUR_MS;
    const answer = async ({ ask }: { readonly ask: number }): Promise<StepAnswer> => {
      await during.wake?.();
      delete during.wake;
      return ask < 3 ? { kind: 'defer', decisionId: 'decision', reason: 'QUIET_HOURS', until } : sent;
    };
    const steps: readonly StepDefinition[] = [
      { kind: 'wait', id: 'settle', duration: 'PT1H' },
      { kind: 'message', id: 'hello', channel: 'email', template: 'hello' },
      { kind: 'end', id: 'done', reason: 'done' },
    ];
    // Paused until the script knows its run.
    const run = await stage.start(planOf(steps), { answer }, { domain: 'wake', isPaused: true });
    during.wake = () => run.wake();
    await run.command('resume');
    expect(await run.result('virtual.wake')).toEqual({ outcome: 'completed', reason: 'done' });
    const minutes = stage.activities.callsOf(run.runKey).flatMap((call) => {
      if (call.activity !== 'runStep' || call.clock.kind !== 'virtual') return [];
      return [Math.floor((call.clock.now - startedAt) / MINUTE_MS)];
    });
    expect(minutes).toEqual([60, 61, 8 * 60]);
  });

  it('goes on after a quarter of an hour when nobody knows whether the message went out, and never asks again', async () => {
    const startedAt = Date.now();
    const answer = () =>
      ({ kind: 'unknown', decisionId: 'decision', deliveryId: 'delivery', reason: 'OUTCOME_UNKNOWN' }) as const;
    const steps: readonly StepDefinition[] = [
      { kind: 'message', id: 'welcome', channel: 'email', template: 'welcome' },
      { kind: 'end', id: 'done', reason: 'done' },
    ];
    const run = await stage.start(planOf(steps), { answer }, { domain: 'unknown' });
    expect(await run.result('virtual.unknown')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual(['welcome/1/1']);
    const { endedAt } = stage.activities.endOf(run.runKey);
    expect(endedAt - startedAt).toBeGreaterThanOrEqual(HOUR_MS / 4);
  });
});
