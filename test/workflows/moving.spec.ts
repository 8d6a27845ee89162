import { WorkflowUpdateFailedError } from '@temporalio/client';
import { compile } from '../../src/core/journeys/compile.js';
import type { StepDefinition } from '../../src/core/journeys/definition.js';
import type { Migration } from '../../src/core/journeys/migrating-types.js';
import type { Plan } from '../../src/core/journeys/plan.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { JUMP_UPDATE, MIGRATE_SIGNAL, SEARCH_ATTRIBUTES, type JumpUpdate } from '../../workflows/messages.js';
import { describeOnTemporal } from '../support/environment.js';
import { JourneyStage, type StagedRun } from '../support/journey-stage.js';
import { sent } from '../support/scripted-activities.js';

const message = (id: string): StepDefinition => ({ kind: 'message', id, channel: 'email', template: id });
const wait = (id: string, duration: string): StepDefinition => ({ kind: 'wait', id, duration });
const waitFor = (id: string, event: string, timeout = 'P30D'): StepDefinition => ({
  kind: 'wait_for',
  id,
  event,
  timeout,
  on_event: 'won',
  on_timeout: 'lost',
});
const end = (id: string): StepDefinition => ({ kind: 'end', id, reason: id });

function version(number: number, steps: readonly StepDefinition[], exitEvents: readonly string[] = []): Plan {
  const definition = { key: 'trial', name: 'Trial', exit: { events: exitEvents }, steps };
  const compiled = compile(definition, { version: number, contentHash: '0'.repeat(64) });
  if (compiled.kind === 'plan') return compiled.plan;
  throw new Error(JSON.stringify(compiled.faults));
}

function migrate(run: StagedRun, plan: Plan, steps: Migration['steps'], listensFrom = Date.now()): Promise<void> {
  const unit = { userId: 'user', runKey: run.runKey };
  const migration: Migration = { id: 'migration-1', from: 1, plan, steps, offers: {}, listensFrom, unit };
  return run.handle.signal<[Migration]>(MIGRATE_SIGNAL, migration);
}

const jump = (
  run: StagedRun,
  step: string,
  isRepeatAllowed = false,
  more: Pick<JumpUpdate, 'offers'> = {},
): Promise<void> => run.handle.executeUpdate(JUMP_UPDATE, { args: [{ step, isRepeatAllowed, ...more }] });

async function refusal(update: Promise<void>): Promise<string> {
  const error = await update.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof WorkflowUpdateFailedError)) throw new Error('the update was not refused', { cause: error });
  return error.cause?.message ?? '';
}

describeOnTemporal('a run that is taken elsewhere', () => {
  const stage = new JourneyStage();
  beforeAll(() => stage.open('journeys-moving'));
  afterAll(() => stage.close());
  const movesOf = (run: StagedRun) => stage.activities.moves.filter((move) => move.run.runKey === run.runKey);

  it('goes on in another version with the rest of its wait, once, and says so everywhere', async () => {
    const one = version(1, [message('hello'), wait('pause', 'PT4S'), message('old'), end('done')]);
    const two = version(2, [wait('rest', 'P30D'), message('new'), end('over')]);
    const run = await stage.start(one);
    const { waitsUntil } = await run.progress('waiting', 'pause');
    const steps = { pause: { step: 'rest', keep: 'wait' } } as const;
    await migrate(run, two, steps);
    expect(await run.progress('waiting', 'rest')).toMatchObject({ waitsUntil });
    await migrate(run, two, steps);
    expect(await run.result('real.migrated')).toEqual({ outcome: 'completed', reason: 'over' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1', 'new/1/1']);
    expect(movesOf(run)).toMatchObject([
      { outcome: 'moved', from: 'pause', stepId: 'rest', run: { journeyVersion: 2 } },
    ]);
    // What is asked from here on is asked in the new version.
    const asked = stage.activities.callsOf(run.runKey).map((call) => call.run.journeyVersion);
    expect(asked).toEqual([1, 2, 2]);
    const { typedSearchAttributes } = await run.handle.describe();
    const shown = typedSearchAttributes.getAll().find(({ key }) => key.name === SEARCH_ATTRIBUTES.journeyVersion);
    expect(shown?.value).toBe(2);
  });

  it('stays where the migration does not mean its step, and finishes its version', async () => {
    const one = version(1, [wait('pause', 'PT4S'), message('old'), end('done')]);
    const two = version(2, [wait('rest', 'P30D'), end('over')]);
    const run = await stage.start(one);
    await run.progress('waiting', 'pause');
    await migrate(run, two, { old: { step: 'rest', keep: 'restart' } });
    expect(await run.result('real.not-migrated')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(movesOf(run)).toMatchObject([{ outcome: 'stayed', reason: 'not_mapped', run: { journeyVersion: 1 } }]);
  });

  it('moves when the message on its way is out', async () => {
    const one = version(1, [wait('pause', 'PT1S'), message('old'), wait('long', 'P30D'), end('done')]);
    const two = version(2, [waitFor('new', 'purchase'), end('won'), end('lost')]);
    const during: { move?: () => Promise<void> } = {};
    const answer = async (): Promise<StepAnswer> => {
      await during.move?.();
      return sent;
    };
    const run = await stage.start(one, { answer });
    during.move = () => migrate(run, two, { long: { step: 'new', keep: 'restart' } });
    await run.progress('waiting', 'new');
    await run.event('purchase');
    expect(await run.result('real.migrated-busy')).toEqual({ outcome: 'completed', reason: 'won' });
    expect(stage.activities.asked(run.runKey)).toEqual(['old/1/1']);
  });

  it('hears of events that came in before it listened to them, of what waits and of what ends it', async () => {
    const one = version(1, [wait('pause', 'P30D'), end('done')]);
    const two = version(2, [waitFor('new', 'purchase'), end('won'), end('lost')], ['left']);
    const steps = { pause: { step: 'new', keep: 'wait' } } as const;
    const occurredAt = Date.now();
    const purchase = { messageId: crypto.randomUUID(), name: 'purchase', occurredAt };
    const run = await stage.start(one, { events: () => [purchase] }, { enteredAt: occurredAt - 1_000 });
    await run.progress('waiting', 'pause');
    await migrate(run, two, steps, occurredAt + 60_000);
    expect(await run.result('real.migrated-looks-up')).toEqual({ outcome: 'completed', reason: 'won' });
    const left = { messageId: crypto.randomUUID(), name: 'left', occurredAt };
    const other = await stage.start(one, { move: () => left }, { enteredAt: occurredAt - 1_000 });
    await other.progress('waiting', 'pause');
    await migrate(other, two, steps);
    expect(await other.result()).toEqual({ outcome: 'exited', reason: 'exit_event:left' });
  });

  it('keeps its new version over a new execution', async () => {
    const one = version(1, [waitFor('first', 'signup'), end('won'), end('lost')]);
    const two = version(2, [waitFor('second', 'purchase'), end('won'), end('lost')]);
    const run = await stage.start(one, {}, { eventsMax: 30 });
    const { runId } = await run.handle.describe();
    await run.progress('waiting', 'first');
    await migrate(run, two, { first: { step: 'second', keep: 'wait' } });
    await run.progress('waiting', 'second');
    for (let copy = 0; copy < 30; copy += 1) await run.wake();
    await run.event('purchase');
    expect(await run.result()).toEqual({ outcome: 'completed', reason: 'won' });
    expect((await run.handle.describe()).runId).not.toBe(runId);
    expect(stage.activities.endOf(run.runKey).run.journeyVersion).toBe(2);
  });

  it('jumps to a step, and to the one that it waits at', async () => {
    const plan = version(1, [wait('pause', 'P30D'), message('hello'), wait('long', 'PT4S'), end('done')]);
    const run = await stage.start(plan);
    await run.progress('waiting', 'pause');
    await jump(run, 'long');
    await run.progress('waiting', 'long');
    await jump(run, 'long');
    expect(await run.result('real.jumped')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual([]);
  });

  it('sends again by a jump only when that is said, and then as another visit', async () => {
    const plan = version(1, [message('hello'), wait('pause', 'P30D'), end('done')]);
    const run = await stage.start(plan);
    await run.progress('waiting', 'pause');
    expect(await refusal(jump(run, 'hello'))).toMatch('the run has passed "hello"');
    expect(await refusal(jump(run, 'nowhere'))).toBe('version 1 has no step "nowhere"');
    await jump(run, 'hello', true);
    await run.progress('waiting', 'pause', 2);
    await jump(run, 'done');
    expect(await run.result('real.jumped-back')).toEqual({ outcome: 'completed', reason: 'done' });
    expect(stage.activities.asked(run.runKey)).toEqual(['hello/1/1', 'hello/2/1']);
  });

  it('knows by the templates of its actions what it has sent, and posts no webhook again', async () => {
    const offer: StepDefinition = { kind: 'decide', id: 'offer', actions: ['reminder'] };
    const hook: StepDefinition = { kind: 'webhook', id: 'hook', endpoint: 'crm' };
    const plan = version(1, [message('hello'), hook, wait('pause', 'P30D'), offer, end('done')]);
    const run = await stage.start(plan);
    await run.progress('waiting', 'pause');
    const offers = { reminder: 'email:hello' };
    expect(await refusal(jump(run, 'offer', false, { offers }))).toMatch('the run has passed "offer" or one like it');
    expect(await refusal(jump(run, 'hook'))).toMatch('the run has posted "hook"');
    await jump(run, 'offer', false, { offers: { reminder: 'email:other' } });
    expect(await run.result()).toEqual({ outcome: 'completed', reason: 'done' });
  });

  it('refuses to jump while a message is on its way, and while it ends', async () => {
    const plan = version(1, [wait('pause', 'PT1S'), message('hello'), wait('long', 'P30D'), end('done')]);
    const during: { jump?: () => Promise<void> } = {};
    const refusals: string[] = [];
    const answer = async (): Promise<StepAnswer> => {
      await during.jump?.();
      return sent;
    };
    const run = await stage.start(plan, { answer });
    during.jump = async () => {
      refusals.push(await refusal(jump(run, 'done')));
      await run.exit('enough');
      refusals.push(await refusal(jump(run, 'done', true)));
    };
    await run.result();
    expect(refusals).toEqual([expect.stringMatching('is busy'), 'the run is already ending']);
  });

  it('stays paused when it is moved or jumps while it is paused', async () => {
    const one = version(1, [wait('pause', 'P30D'), end('done')]);
    const two = version(2, [wait('rest', 'P30D'), message('new'), end('over')]);
    const run = await stage.start(one);
    await run.progress('waiting', 'pause');
    await run.pause();
    await run.progress('paused', 'pause');
    await migrate(run, two, { pause: { step: 'rest', keep: 'wait' } });
    await run.progress('paused', 'rest');
    await jump(run, 'new');
    await run.progress('paused', 'new');
    expect(stage.activities.asked(run.runKey)).toEqual([]);
    await run.resume();
    expect(await run.result()).toEqual({ outcome: 'completed', reason: 'over' });
  });
});
