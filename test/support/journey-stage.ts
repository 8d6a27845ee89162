import type { Client, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { compile } from '../../src/core/journeys/compile.js';
import type { StepDefinition } from '../../src/core/journeys/definition.js';
import { next, putDown, start, type InterpreterState } from '../../src/core/journeys/interpreter.js';
import type { Plan } from '../../src/core/journeys/plan.js';
import type { Move } from '../../src/core/journeys/path.js';
import type { RunProgress, RunReport } from '../../src/core/journeys/progress.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import type { InstantMs } from '../../src/core/kernel/instant.js';
import type { journeyWorkflow } from '../../workflows/index.js';
import {
  COMMAND_SIGNAL,
  EVENT_SIGNAL,
  EXIT_UPDATE,
  JOURNEY_WORKFLOW,
  PAUSE_UPDATE,
  RESUME_UPDATE,
  WAKE_SIGNAL,
  type WakeSignal,
  type CommandSignal,
  type EventSignal,
  type ExitUpdate,
  type JourneyInput,
  type JourneyResult,
} from '../../workflows/messages.js';
import { isRecording } from './environment.js';
import { recordHistory } from './histories.js';
import { ScriptedActivities, type Script } from './scripted-activities.js';
import { startTestWorker, type TestWorker } from './worker.js';

const PROGRESS_MS_MAX = 50_000;
const ATTRIBUTES_SUFFIX = 'EventAttributes';

/** A plan of these steps, by the same compiler as in production. */
export function planOf(steps: readonly StepDefinition[], exitEvents: readonly string[] = []): Plan {
  const definition = { key: 'trial', name: 'Trial', exit: { events: exitEvents }, steps };
  const compiled = compile(definition, { version: 1, contentHash: '0'.repeat(64) });
  if (compiled.kind === 'plan') return compiled.plan;
  throw new Error(compiled.faults.map(({ path, message }) => `${path}: ${message}`).join('; '));
}

/** What a run carries that was asked at this instant and got these answers, all at once: time need not pass for it. */
export function carriedFrom(plan: Plan, at: InstantMs, answers: readonly StepAnswer[]): InterpreterState {
  let { state } = next(plan, start(plan, { entryAt: at, unit: { userId: 'user', runKey: 'carried' } }), null, at);
  for (const answer of answers) ({ state } = next(plan, state, { kind: 'step_answer', answer }, at));
  return putDown(state);
}

/** One run under test: what a person, a user or an operator can do to it, and what is seen of it. */
export class StagedRun {
  constructor(
    readonly runKey: string,
    readonly handle: WorkflowHandle<typeof journeyWorkflow>,
    private readonly stage: JourneyStage,
  ) {}

  event(name: string, occurredAt = Date.now(), messageId: string = crypto.randomUUID()): Promise<void> {
    return this.handle.signal<[EventSignal]>(EVENT_SIGNAL, { messageId, name, occurredAt });
  }

  /** An event that happens now and fits these listeners of the plan. */
  matchingEvent(name: string, matches: readonly number[]): Promise<void> {
    const messageId = crypto.randomUUID();
    return this.handle.signal<[EventSignal]>(EVENT_SIGNAL, { messageId, name, occurredAt: Date.now(), matches });
  }

  wake(more: Partial<WakeSignal> = {}): Promise<void> {
    return this.handle.signal<[WakeSignal]>(WAKE_SIGNAL, { because: 'consent', ...more });
  }

  pause(): Promise<void> {
    return this.handle.executeUpdate<void, []>(PAUSE_UPDATE);
  }

  resume(): Promise<void> {
    return this.handle.executeUpdate<void, []>(RESUME_UPDATE);
  }

  exit(reason: string): Promise<void> {
    return this.handle.executeUpdate<void, [ExitUpdate]>(EXIT_UPDATE, { args: [{ reason }] });
  }

  /** The same commands, as the outbox delivers them when nobody answers the update. */
  command(kind: CommandSignal['kind'], reason?: string): Promise<void> {
    return this.handle.signal<[CommandSignal]>(COMMAND_SIGNAL, { kind, ...(reason === undefined ? {} : { reason }) });
  }

  /** Resolves with the first report, past or future, that fits. */
  progress(state: RunProgress['state'], stepId: string, times = 1): Promise<RunProgress> {
    return this.stage.awaitProgress(this.runKey, `${state} at ${stepId}`, times);
  }

  /** @param path names the way of this run among the recorded histories; left out: not one to keep */
  async result(path?: string): Promise<JourneyResult> {
    const result = await this.handle.result();
    if (path !== undefined) await this.record(path);
    return result;
  }

  /** Keeps the history of the run, or of one execution of it, when histories are being recorded. */
  async record(path: string, runId?: string): Promise<void> {
    if (!isRecording) return;
    const { client, workflowId } = this.handle;
    await recordHistory(runId === undefined ? this.handle : client.getHandle(workflowId, runId), path);
  }

  /** The one-line summaries of the history's events, in order. */
  async summaries(): Promise<readonly string[]> {
    const { events } = await this.handle.fetchHistory();
    return (events ?? [])
      .map(({ userMetadata }) => userMetadata?.summary)
      .filter((summary): summary is Payload => summary !== null && summary !== undefined)
      .map((summary) => defaultPayloadConverter.fromPayload<string>(summary));
  }

  /** Kinds of the history's events, e.g. `timerStarted`, without the workflow tasks that carry them. */
  async eventKinds(): Promise<readonly string[]> {
    const { events } = await this.handle.fetchHistory();
    return (events ?? [])
      .map((event) => Object.keys(event).find((key) => key.endsWith(ATTRIBUTES_SUFFIX)) ?? '')
      .map((key) => key.slice(0, -ATTRIBUTES_SUFFIX.length))
      .filter((kind) => !kind.startsWith('workflowTask'));
  }
}

/** How a run of the stage starts; what is left out is a real run that enters now. */
interface StartOptions extends Partial<Pick<JourneyInput, 'enteredAt' | 'isPaused' | 'carried' | 'eventsMax'>> {
  readonly domain?: string;
  readonly firstEvent?: EventSignal;
}

/** Runs journeys on a real worker and server; activities answer by script. One per spec file. */
export class JourneyStage {
  readonly activities = new ScriptedActivities();
  private worker: TestWorker | undefined;
  private readonly reports: RunProgress[] = [];
  private readonly moves = new Map<string, readonly Move[]>();
  private watchers: (() => void)[] = [];

  async open(taskQueue: string): Promise<void> {
    const onReport = ({ runKey, progress, moves }: RunReport): void => {
      this.moves.set(runKey, [...this.movesOf(runKey), ...moves]);
      if (progress === null) return;
      this.reports.push(progress);
      for (const watcher of this.watchers) watcher();
    };
    this.worker = await startTestWorker({ taskQueue, activities: this.activities, onReport });
  }

  async close(): Promise<void> {
    await this.worker?.stop();
  }

  /** For what a client asks beside the runs' own handles. */
  get client(): Client {
    if (this.worker === undefined) throw new Error('the stage is not open');
    return this.worker.client;
  }

  /** All that the run reported of its path, in the order of the reports. */
  movesOf(runKey: string): readonly Move[] {
    return this.moves.get(runKey) ?? [];
  }

  reportsOf(runKey: string): readonly RunProgress[] {
    return this.reports.filter((report) => report.runKey === runKey);
  }

  async start(plan: Plan, script: Script = {}, options: StartOptions = {}): Promise<StagedRun> {
    if (this.worker === undefined) throw new Error('the stage is not open');
    const { client, virtualClient, taskQueue } = this.worker;
    const runKey = `trial:user:${crypto.randomUUID()}`;
    this.activities.write(runKey, script);
    const run = { runKey, userId: 'user', journeyKey: plan.journeyKey, journeyVersion: plan.version };
    const { domain: clockDomain = 'real', enteredAt = Date.now(), firstEvent, ...others } = options;
    const input: JourneyInput = { run, plan, clockDomain, enteredAt, ...others };
    const chosen = clockDomain === 'real' ? client : virtualClient;
    const start = { taskQueue, workflowId: `journey:${runKey}`, args: [input] as [JourneyInput] };
    const handle =
      firstEvent === undefined
        ? await chosen.workflow.start<typeof journeyWorkflow>(JOURNEY_WORKFLOW, start)
        : await chosen.workflow.signalWithStart<typeof journeyWorkflow, [EventSignal]>(JOURNEY_WORKFLOW, {
            ...start,
            signal: EVENT_SIGNAL,
            signalArgs: [firstEvent],
          });
    return new StagedRun(runKey, handle, this);
  }

  awaitProgress(runKey: string, wanted: string, times: number): Promise<RunProgress> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const seen = this.reportsOf(runKey);
        const fitting = seen.filter(({ state, stepId }) => `${state} at ${stepId}` === wanted)[times - 1];
        if (fitting === undefined) return;
        this.watchers = this.watchers.filter((watcher) => watcher !== look);
        clearTimeout(alarm);
        resolve(fitting);
      };
      const alarm = setTimeout(() => {
        const seen = this.reportsOf(runKey).map(({ state, stepId }) => `${state} at ${stepId}`);
        reject(new Error(`never ${wanted}; saw ${seen.join(', ') || 'nothing'}`));
      }, PROGRESS_MS_MAX);
      this.watchers.push(look);
      look();
    });
  }
}
