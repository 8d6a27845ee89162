import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type {
  EnrolPageAnswer,
  EnrolPageInput,
  FireTriggerInput,
  JourneyActivities,
} from '../../activities/contract.js';
import type { bulkEnrolmentWorkflow, triggerFiringWorkflow } from '../../workflows/index.js';
import {
  BULK_COMMAND_SIGNAL,
  BULK_COMMAND_UPDATE,
  BULK_ENROLMENT_WORKFLOW,
  TRIGGER_FIRING_WORKFLOW,
  type BulkCommand,
  type BulkEnrolmentInput,
} from '../../workflows/messages.js';
import { describeOnTemporal, isRecording } from '../support/environment.js';
import { recordHistory } from '../support/histories.js';
import { until } from '../support/until.js';
import { startTestWorker, type TestWorker } from '../support/worker.js';

const SEEN_MS_MAX = 60_000;
type Pages = (page: number) => EnrolPageAnswer | Promise<EnrolPageAnswer>;
const done = (page: number, users: number): EnrolPageAnswer => ({ kind: 'done', page, users });
const over: EnrolPageAnswer = { kind: 'over' };
const GO_ON: BulkCommand = { kind: 'resume', number: 1 };

describeOnTemporal('the workflow of an enrolment of many', () => {
  let worker: TestWorker;
  const scripts = new Map<string, Pages>();
  const asked = new Map<string, number[]>();
  const enrolPage = async ({ bulkId, page }: EnrolPageInput): Promise<EnrolPageAnswer> => {
    asked.get(bulkId)?.push(page);
    return (await scripts.get(bulkId)?.(page)) ?? over;
  };
  beforeAll(async () => {
    const activities = { enrolPage } as unknown as JourneyActivities;
    worker = await startTestWorker({ taskQueue: 'bulk-enrolments', activities, onReport: () => undefined });
  });
  afterAll(() => worker.stop());

  async function start(pages: Pages, more: Partial<BulkEnrolmentInput> = {}) {
    const bulkId = crypto.randomUUID();
    scripts.set(bulkId, pages);
    asked.set(bulkId, []);
    const handle = await worker.client.workflow.signalWithStart<typeof bulkEnrolmentWorkflow, [BulkCommand]>(
      BULK_ENROLMENT_WORKFLOW,
      {
        taskQueue: worker.taskQueue,
        workflowId: `bulk-enrolment:${bulkId}`,
        args: [{ bulkId, perSecond: 100, ...more }],
        signal: BULK_COMMAND_SIGNAL,
        signalArgs: [GO_ON],
      },
    );
    return { handle, pages: asked.get(bulkId) ?? [] };
  }
  const reached = (pages: readonly number[], page: number): Promise<void> =>
    until(
      () => pages.includes(page),
      SEEN_MS_MAX,
      () => `saw ${pages.join()}`,
    );
  const record = async (handle: WorkflowHandle, path: string): Promise<void> => {
    if (isRecording) await recordHistory(handle, path);
  };
  const command = (handle: WorkflowHandle, kind: BulkCommand['kind'], number: number): Promise<void> =>
    handle.executeUpdate<void, [BulkCommand]>(BULK_COMMAND_UPDATE, { args: [{ kind, number }] });

  it('asks page after page, no faster than it may, and ends when everybody was looked at', async () => {
    const before = Date.now();
    const { handle, pages } = await start((page) => (page < 4 ? done(page, 50) : over));
    await handle.result();
    expect(pages).toEqual([1, 2, 3, 4]);
    expect(Date.now() - before).toBeGreaterThanOrEqual(1_400);
    await record(handle, 'bulk.pages');
  });

  it('goes on behind what was done before it was started anew', async () => {
    const { handle, pages } = await start((page) => (page === 1 ? done(7, 0) : over));
    await handle.result();
    expect(pages).toEqual([1, 8]);
  });

  it('asks again for a page while nobody may enter, and says why it waits', async () => {
    let waits = 2;
    const { handle, pages } = await start(() => (waits-- > 0 ? { kind: 'wait', waitMs: 50 } : over));
    await handle.result();
    expect(pages).toEqual([1, 1, 1]);
  });

  it('stands still when it is paused, cuts its rest short for a command, and ends when it is cancelled', async () => {
    const { handle, pages } = await start((page) => done(page, 1), { perSecond: 10 });
    await reached(pages, 2);
    await command(handle, 'pause', 2);
    const { length } = pages;
    // Another at the same pace goes on for five pages meanwhile. Here one page may have been on its way.
    const other = await start((page) => (page < 6 ? done(page, 1) : over), { perSecond: 10 });
    await other.handle.result();
    expect(pages.length).toBeLessThanOrEqual(length + 1);
    await command(handle, 'resume', 3);
    await reached(pages, Math.max(...pages) + 1);
    await command(handle, 'cancel', 4);
    await handle.result();
    await record(handle, 'bulk.steered');
  });

  it('hears by a signal too, drops what comes late, and refuses an update that changes nothing', async () => {
    const { handle, pages } = await start((page) => done(page, 1), { perSecond: 20 });
    await reached(pages, 1);
    await handle.signal<[BulkCommand]>(BULK_COMMAND_SIGNAL, { kind: 'resume', number: 5 });
    await handle.signal<[BulkCommand]>(BULK_COMMAND_SIGNAL, { kind: 'pause', number: 4 });
    await reached(pages, Math.max(...pages) + 2);
    await expect(command(handle, 'cancel', 5)).rejects.toThrow(WorkflowUpdateFailedError);
    await handle.signal<[BulkCommand]>(BULK_COMMAND_SIGNAL, { kind: 'cancel', number: 6 });
    await handle.result();
  });

  it('is not held up by an answer that is older than the command to go on', async () => {
    const during: { resume?: () => Promise<void> } = {};
    const { handle, pages } = await start(async () => {
      if (during.resume === undefined) return pages.length > 5 ? over : done(pages.length, 1);
      await during.resume();
      delete during.resume;
      return { kind: 'paused' };
    });
    during.resume = () => command(handle, 'resume', 2);
    await handle.result();
    expect(pages.length).toBe(6);
  });

  it('waits to be resumed where the answer says that it is paused', async () => {
    const { handle, pages } = await start(() => (pages.length === 1 ? { kind: 'paused' } : over));
    await reached(pages, 1);
    await command(handle, 'resume', 2);
    await handle.result();
    expect(pages).toEqual([1, 1]);
  });

  it('continues as new when its history grows, at the page where it was and still deaf to old commands', async () => {
    const { handle, pages } = await start((page) => (page < 12 ? done(page, 1) : over), { eventsMax: 30 });
    const first = handle.signaledRunId ?? '';
    await handle.result();
    expect(pages).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    const { events } = await worker.client.workflow.getHandle(handle.workflowId, first).fetchHistory();
    expect(events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes).toBeTruthy();
    await record(worker.client.workflow.getHandle(handle.workflowId, first), 'bulk.continued');
  });
});

describeOnTemporal('one firing of a schedule', () => {
  let worker: TestWorker;
  const fired: FireTriggerInput[] = [];
  const fireTrigger = (input: FireTriggerInput): Promise<void> => Promise.resolve(void fired.push(input));
  beforeAll(async () => {
    const activities = { fireTrigger } as unknown as JourneyActivities;
    worker = await startTestWorker({ taskQueue: 'trigger-firings', activities, onReport: () => undefined });
  });
  afterAll(() => worker.stop());

  it('orders the enrolment of the instant for which it was meant', async () => {
    const scheduledAt = Date.parse('2026-11-16T08:00:00Z');
    const key = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);
    const input = { journeyId: 'journey', fingerprint: 'f1' };
    const handle = await worker.client.workflow.start<typeof triggerFiringWorkflow>(TRIGGER_FIRING_WORKFLOW, {
      taskQueue: worker.taskQueue,
      workflowId: `firing:${crypto.randomUUID()}`,
      typedSearchAttributes: [{ key, value: new Date(scheduledAt) }],
      args: [input],
    });
    await handle.result();
    expect(fired).toEqual([{ ...input, scheduledAt }]);
    if (isRecording) await recordHistory(handle, 'bulk.firing');
  });
});
