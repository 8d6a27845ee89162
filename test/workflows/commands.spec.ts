import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { StepDefinition } from '../../src/core/journeys/definition.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { describeOnTemporal } from '../support/environment.js';
import { JourneyStage, planOf } from '../support/journey-stage.js';
import { sent } from '../support/scripted-activities.js';

const message = (id: string): StepDefinition => ({ kind: 'message', id, channel: 'email', template: id });
/** For which a run waits while it is told something: a busy machine tells it late. */
const A_WHILE = 'PT4S';
const wait = (duration: string): StepDefinition => ({ kind: 'wait', id: 'pause', duration });
const end: StepDefinition = { kind: 'end', id: 'done', reason: 'done' };

/** What the server needs to fire a timer and hand it to a worker, with plenty to spare. */
const SERVER_MS = 500;

function instantPasses(at: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())));
}

/** The message of a refused update. */
async function refusal(update: Promise<void>): Promise<string> {
  const error = await update.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof WorkflowUpdateFailedError)) throw new Error('the update was not refused', { cause: error });
  return error.cause?.message ?? '';
}

describeOnTemporal('a run that operators steer', () => {
  const stage = new JourneyStage();
  beforeAll(() => stage.open('journeys-commands'));
  afterAll(() => stage.close());

  it('stands still while it is paused, also when its wait is over, and goes on when resumed', async () => {
    const run = await stage.start(planOf([wait(A_WHILE), message('hello'), end]));
    const { waitsUntil } = await run.progress('waiting', 'pause');
    await run.pause();
    const { seq } = await run.progress('paused', 'pause');
    await instantPasses((waitsUntil ?? 0) + SERVER_MS);
    expect(stage.activities.asked(run.runKey)).toEqual([]);
    await run.resume();
    expect(await run.result('real.pause')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1']);
    expect((await run.progress('running', 'hello')).seq).toBeGreaterThan(seq);
  });

  it('keeps an event that comes during a pause', async () => {
    const purchase: StepDefinition = { kind: 'wait_for', id: 'purchase', event: 'purchase', timeout: 'PT30S' };
    const steps = [{ ...purchase, on_event: 'won', on_timeout: 'done' }, end];
    const run = await stage.start(planOf([...steps, { kind: 'end', id: 'won', reason: 'won' }]));
    await run.progress('waiting', 'purchase');
    await run.pause();
    await run.event('purchase');
    await run.resume();
    expect(await run.result()).toEqual({ outcome: 'completed', reason: 'won' });
  });

  it('waits for the rest of its time when it is resumed before the end of the wait', async () => {
    const before = Date.now();
    const run = await stage.start(planOf([wait(A_WHILE), end]));
    await run.progress('waiting', 'pause');
    await run.pause();
    await run.resume();
    await run.result();
    expect(Date.now() - before).toBeGreaterThanOrEqual(4_000);
  });

  it('lets a message on its way finish when it is paused, and sends no other until it is resumed', async () => {
    const during: { pause?: () => Promise<void> } = {};
    const answer = async (): Promise<StepAnswer> => {
      await during.pause?.();
      delete during.pause;
      return sent;
    };
    const run = await stage.start(planOf([wait('PT1S'), message('first'), message('second'), end]), { answer });
    during.pause = () => run.pause();
    await run.progress('paused', 'second');
    expect(stage.activities.asked(run.runKey)).toEqual(['first/1/1']);
    await run.resume();
    await run.result();
    expect(stage.activities.asked(run.runKey)).toEqual(['first/1/1', 'second/1/1']);
  });

  it('ends on an exit command, with the reason of the operator', async () => {
    const run = await stage.start(planOf([wait('P30D'), message('late'), end]));
    await run.progress('waiting', 'pause');
    await run.exit('asked_by_phone');
    expect(await run.result('real.exit-command')).toEqual({ outcome: 'exited', reason: 'asked_by_phone' });
    expect(stage.activities.asked(run.runKey)).toEqual([]);
  });

  it('ends on an exit command while it is paused', async () => {
    const run = await stage.start(planOf([wait('P30D'), end]));
    await run.pause();
    await run.exit('no_longer_wanted');
    expect(await run.result()).toEqual({ outcome: 'exited', reason: 'no_longer_wanted' });
  });

  it('refuses commands that make no sense, and says why', async () => {
    const run = await stage.start(planOf([wait('P30D'), end]));
    expect(await refusal(run.resume())).toBe('the run is not paused');
    await run.pause();
    expect(await refusal(run.pause())).toBe('the run is already paused');
    expect(await refusal(run.exit(''))).toBe('the reason needs 1 to 200 characters');
    expect(await refusal(run.exit('x'.repeat(201)))).toBe('the reason needs 1 to 200 characters');
    await run.exit('enough');
    await run.result();
  });

  it('refuses commands while it ends', async () => {
    const during: { refusals?: () => Promise<void> } = {};
    const refusals: string[] = [];
    const answer = async (): Promise<StepAnswer> => {
      await during.refusals?.();
      return sent;
    };
    const run = await stage.start(planOf([wait('PT1S'), message('hello'), end]), { answer });
    during.refusals = async () => {
      await run.exit('first');
      for (const update of [() => run.exit('second'), () => run.pause(), () => run.resume()]) {
        refusals.push(await refusal(update()));
      }
    };
    expect(await run.result()).toEqual({ outcome: 'exited', reason: 'first' });
    expect(refusals).toEqual(Array(3).fill('the run is already ending'));
  });

  it('begins paused when it was paused before its start, and goes on when resumed', async () => {
    const run = await stage.start(planOf([message('hello'), end]), {}, { isPaused: true });
    await run.progress('paused', 'hello');
    expect(await refusal(run.pause())).toBe('the run is already paused');
    expect(stage.activities.asked(run.runKey)).toEqual([]);
    await run.resume();
    expect(await run.result('real.begins-paused')).toEqual({ outcome: 'completed', reason: 'done' });
  });

  it('obeys commands that come as signals, however often they come', async () => {
    const run = await stage.start(planOf([wait(A_WHILE), message('hello'), end]));
    const { waitsUntil } = await run.progress('waiting', 'pause');
    await run.command('resume');
    for (let copy = 0; copy < 3; copy += 1) await run.command('pause');
    await run.progress('paused', 'pause');
    await instantPasses((waitsUntil ?? 0) + SERVER_MS);
    expect(stage.activities.asked(run.runKey)).toEqual([]);
    for (let copy = 0; copy < 3; copy += 1) await run.command('resume');
    expect(await run.result('real.command-signals')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1']);
    expect(stage.reportsOf(run.runKey).filter(({ state }) => state === 'paused')).toHaveLength(1);
  });

  it.each([
    ['with the reason of the operator', ['first', 'second'], 'first'],
    ['without a reason', [undefined], 'run_exited'],
    ['with a reason that is cut where it grows too long', ['x'.repeat(300)], 'x'.repeat(200)],
  ])('ends on an exit signal %s', async (_what, reasons, reason) => {
    const during: { exits?: () => Promise<void> } = {};
    const answer = async (): Promise<StepAnswer> => {
      await during.exits?.();
      return sent;
    };
    const run = await stage.start(planOf([wait('PT1S'), message('first'), message('second'), end]), { answer });
    during.exits = async () => {
      for (const each of reasons) await run.command('exit', each);
      // An operator who pauses what is ending changes nothing.
      await run.command('pause');
    };
    expect(await run.result()).toEqual({ outcome: 'exited', reason });
    expect(stage.activities.asked(run.runKey)).toEqual(['first/1/1']);
    expect(stage.activities.endOf(run.runKey)).toMatchObject({ outcome: 'exited', reason });
  });

  it('never gives a step up because the pause was written down before the run heard of it', async () => {
    const answer = ({ ask }: { readonly ask: number }): StepAnswer =>
      ask === 1 ? { kind: 'skip', decisionId: 'decision-1', reason: 'RUN_PAUSED' } : sent;
    const steps = [{ ...message('hello'), on_refusal: 'exit' } as StepDefinition, end];
    const run = await stage.start(planOf(steps), { answer }, { domain: 'paused' });
    expect(await run.result('virtual.run-paused')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1', 'hello/1/2']);
  });

  it('records its end before it closes as cancelled', async () => {
    const run = await stage.start(planOf([wait('P30D'), end]));
    await run.progress('waiting', 'pause');
    await run.handle.cancel();
    await expect(run.result()).rejects.toThrow(WorkflowFailedError);
    await run.record('real.cancelled');
    expect((await run.handle.describe()).status.name).toBe('CANCELLED');
    expect(stage.activities.endOf(run.runKey)).toMatchObject({ outcome: 'exited', reason: 'cancelled' });
  });

  it('records its end before it closes as failed, when an activity says that no repeat can help', async () => {
    const answer = (): StepAnswer => {
      throw ApplicationFailure.create({ type: 'InvalidRunError', message: 'no such run' });
    };
    const run = await stage.start(planOf([message('hello'), end]), { answer });
    await expect(run.result()).rejects.toThrow(WorkflowFailedError);
    await run.record('real.failed');
    expect((await run.handle.describe()).status.name).toBe('FAILED');
    expect(stage.activities.endOf(run.runKey)).toMatchObject({ outcome: 'exited', reason: 'failed:runStep' });
  });

  it('repeats an activity that failed for any other reason', async () => {
    let failures = 1;
    const answer = (): StepAnswer => {
      if (failures-- > 0) throw new Error('the database is away');
      return sent;
    };
    const run = await stage.start(planOf([message('hello'), end]), { answer });
    expect(await run.result()).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1', 'hello/1/1']);
  });
});
