import { jest } from '@jest/globals';
import type { StepDefinition } from '../../src/core/journeys/definition.js';
import { describeOnTemporal } from '../support/environment.js';
import { JourneyStage, planOf } from '../support/journey-stage.js';

const EVENTS_MAX = 40;
const ROUNDS = 7;
jest.setTimeout(300_000);

const message = (id: string): StepDefinition => ({ kind: 'message', id, channel: 'email', template: id });
const purchase: StepDefinition = {
  kind: 'wait_for',
  id: 'purchase',
  event: 'purchase',
  timeout: 'PT10M',
  on_event: 'hello',
  on_timeout: 'done',
};

describeOnTemporal('a run with a long history', () => {
  const stage = new JourneyStage();
  beforeAll(() => stage.open('journeys-continue-as-new'));
  afterAll(() => stage.close());

  it('goes on in new executions with its visits, its events and its step', async () => {
    const steps = [message('hello'), purchase, { kind: 'end', id: 'done', reason: 'done' } as const];
    const run = await stage.start(planOf(steps, ['unsubscribed']), {}, { eventsMax: EVENTS_MAX });
    const first = await run.handle.describe();
    for (let round = 1; round <= ROUNDS; round += 1) {
      await run.progress('waiting', 'purchase', round);
      const occurredAt = Date.now();
      // Twice each: what was seen before the history was cut must still be known after it.
      await run.event('purchase', occurredAt, `message-${round}`);
      await run.event('purchase', occurredAt, `message-${round}`);
    }
    await run.progress('waiting', 'purchase', ROUNDS + 1);
    await run.event('unsubscribed');
    expect(await run.result()).toEqual({ outcome: 'exited', reason: 'exit_event:unsubscribed' });
    const visits = Array.from({ length: ROUNDS + 1 }, (_, index) => `hello/${index + 1}/1`);
    expect(stage.activities.asked(run.runKey)).toEqual(visits);
    const last = await run.handle.describe();
    expect(last.runId).not.toBe(first.runId);
    expect(last.historyLength).toBeLessThan(2 * EVENTS_MAX);
    const seqs = stage.reportsOf(run.runKey).map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    await run.record('real.cut', first.runId);
    await run.record('real.continued', last.runId);
  });

  it('is cut also when messages alone fill the history of a run that stands still', async () => {
    const steps = [
      purchase,
      message('hello'),
      { ...purchase, id: 'again' },
      { kind: 'end', id: 'done', reason: 'done' } as const,
    ];
    const run = await stage.start(planOf(steps), {}, { eventsMax: EVENTS_MAX });
    const first = await run.handle.describe();
    await run.progress('waiting', 'purchase');
    await run.pause();
    for (let copy = 0; copy < EVENTS_MAX; copy += 1) await run.wake();
    await run.event('purchase');
    expect(await run.handle.describe()).not.toMatchObject({ runId: first.runId });
    expect(stage.activities.asked(run.runKey)).toEqual([]);
    await run.resume();
    await run.progress('waiting', 'again');
    await run.exit('enough');
    await run.result();
    // The pause held in the new execution, and so did the event that came during it.
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1']);
  });
});
