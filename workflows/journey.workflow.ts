import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { JourneyActivities } from '../activities/contract.js';
import { next, putDown, receive, start } from '../src/core/journeys/interpreter.js';
import type { Command, Input, InterpreterState, Message } from '../src/core/journeys/interpreter.js';
import type { RunClock } from '../src/core/journeys/run-reference.js';
import { ACT_OPTIONS, QUERY_OPTIONS, RUN_STEP_OPTIONS } from './activity-options.js';
import { listen } from './listen.js';
import type { JourneyInput, JourneyResult } from './messages.js';
import { goOnIn, settle, type ChangingInput } from './moving.js';
import { RunDisplay } from './run-display.js';

const EVENTS_MAX = 2_000;
/** A wait that ends so much later than planned ends after an outage: signals are tried again more slowly than this. */
const LATE_MS = 10_000;
/** Runs of before this change took the time-out without asking, and their histories replay so. */
const LATE_PATCH = 'late time-outs look events up';

const { runStep } = proxyActivities<JourneyActivities>(RUN_STEP_OPTIONS);
const { act } = proxyActivities<JourneyActivities>(ACT_OPTIONS);
const { evaluateBranch, chooseBranch, findMoment, findEvent, finishRun } =
  proxyActivities<JourneyActivities>(QUERY_OPTIONS);

/**
 * One user's passage through one version of a journey. All rules are in the interpreter; this shell carries out its one
 * command at a time and hands it what arrives meanwhile.
 *
 * How it ends: an end step or an exit completes the execution. Cancelled from outside, or given up by an activity that
 * can never succeed, it first records the end like any other and then closes as cancelled or failed, so that neither
 * the table of runs nor the Temporal UI loses it. Any other error is a bug: it fails the workflow task, and the run
 * waits for repaired code.
 */
export async function journeyWorkflow(input: JourneyInput): Promise<JourneyResult> {
  const journey = new JourneyRun(input);
  try {
    const end = await journey.live();
    return await journey.finish(end);
  } catch (error) {
    const reason = reasonToClose(error);
    if (reason === null) throw error;
    await CancellationScope.nonCancellable(() => journey.finish({ outcome: 'exited', reason }));
    throw error;
  }
}

function reasonToClose(error: unknown): string | null {
  if (isCancellation(error)) return 'cancelled';
  return error instanceof ActivityFailure ? `failed:${error.activityType}` : null;
}

function begin({ run, plan, clockDomain, enteredAt, isPaused = false }: JourneyInput): InterpreterState {
  const startedAt = workflowInfo().startTime.getTime();
  const isVirtual = clockDomain !== 'real';
  // Events of a virtual run are dated from the start of its execution; those of a real one may be older, and the two
  // instants come from the clocks of two machines.
  const entryAt = isVirtual ? startedAt : Math.min(enteredAt, startedAt);
  return start(plan, { entryAt, isVirtual, isPaused, unit: { userId: run.userId, runKey: run.runKey } });
}

class JourneyRun {
  private state: InterpreterState;
  /** True when messages came that the current wait has not weighed yet. */
  private hasNews = false;
  private readonly display: RunDisplay;

  constructor(private readonly input: ChangingInput) {
    this.state = input.carried ?? begin(input);
    this.display = new RunDisplay(input);
    listen({ plan: () => this.input.plan, state: () => this.state, take: (message) => this.take(message) });
  }

  /** Lives until the interpreter says that the run is over; may continue as new instead of returning. */
  async live(): Promise<JourneyResult> {
    let answer: Input | null = null;
    for (;;) {
      // No await between the turn and its command: what arrives later is weighed by the next turn.
      const isLate = (answer === null || answer.kind === 'timer') && this.isLate();
      const turn = this.display.turn(this.state, isLate ? { kind: 'timer', isLate } : answer, Date.now());
      this.state = turn.state;
      this.hasNews = false;
      goOnIn(this.input, turn.plan);
      if (turn.command.kind === 'end') return { outcome: turn.command.outcome, reason: turn.command.reason };
      if (this.isHistoryLong()) await this.continueAsNew();
      const { settling } = turn.state;
      if (settling !== undefined) {
        answer = await settle(this.input, turn.state, settling);
        continue;
      }
      this.display.show(turn.state, turn.command);
      answer = await this.carryOut(turn.command);
    }
  }

  async finish(end: JourneyResult): Promise<JourneyResult> {
    this.display.showEnd(this.state, end);
    const summary = `record the end: ${end.reason}`;
    const record = { run: this.input.run, ...end, endedAt: Date.now(), clock: this.clock() };
    await finishRun.executeWithOptions({ summary }, [record]);
    return end;
  }

  private async carryOut(command: Exclude<Command, { kind: 'end' }>): Promise<Input | null> {
    const { run } = this.input;
    const clock = this.clock();
    switch (command.kind) {
      case 'run_step': {
        const { step, visit, ask } = command;
        const summary = `${step.id}: ${step.kind}, visit ${visit}, ask ${ask}`;
        const question = { run, step, visit, ask, clock };
        return { kind: 'step_answer', answer: await runStep.executeWithOptions({ summary }, [question]) };
      }
      case 'evaluate_branch': {
        const { stepId } = command;
        const question = { run, stepId, condition: command.condition, clock };
        const summary = `${stepId}: test the condition`;
        return { kind: 'branch_answer', holds: await evaluateBranch.executeWithOptions({ summary }, [question]) };
      }
      case 'choose': {
        const { stepId, conditions } = command;
        const question = { run, stepId, conditions, clock };
        const summary = `${stepId}: test the conditions`;
        return { kind: 'choice_answer', index: await chooseBranch.executeWithOptions({ summary }, [question]) };
      }
      case 'find_moment': {
        const { stepId, moment, from } = command;
        const question = { run, stepId, moment, from, clock };
        const summary = `${stepId}: work out until when to wait`;
        return { kind: 'moment_answer', until: await findMoment.executeWithOptions({ summary }, [question]) };
      }
      case 'act': {
        const { stepId, visit } = command;
        const question = { run, stepId, visit, act: command.act, clock };
        const summary = `${stepId}: ${command.act.kind}, visit ${visit}`;
        return { kind: 'act_answer', answer: await act.executeWithOptions({ summary }, [question]) };
      }
      case 'find_event': {
        const { stepId, events, listeners = [], after, until } = command;
        const conditional = listeners.length === 0 ? {} : { listeners };
        const question = { run, events, ...conditional, after, until, domain: this.input.clockDomain };
        const names = new Set([...events, ...listeners.map(({ event }) => event)]);
        const summary = `${stepId}: look for ${[...names].join(', ')}`;
        return { kind: 'event_answer', event: await findEvent.executeWithOptions({ summary }, [question]) };
      }
      case 'sleep': {
        const sleepMs = Math.max(1, command.until - Date.now());
        const isOvertaken = await condition(() => this.isOvertaken(command), sleepMs, { summary: command.label });
        return isOvertaken ? null : { kind: 'timer' };
      }
      case 'wait_message':
        await condition(() => this.isOvertaken(command));
        return null;
    }
  }

  /** Whether news has come that calls for something else than the wait under way. */
  private isOvertaken(waiting: Extract<Command, { kind: 'sleep' | 'wait_message' }>): boolean {
    if (!this.hasNews) return false;
    this.hasNews = false;
    // Messages alone can fill the history of a run that waits for long.
    if (this.isHistoryLong()) return true;
    const { command } = next(this.input.plan, this.state, null, Date.now());
    const isElsewhere = command.kind !== waiting.kind || command.stepId !== waiting.stepId;
    if (isElsewhere || this.state.migration !== undefined) return true;
    // A jump to the step that the run waits at begins another visit of it.
    if (waiting.kind === 'sleep' && this.state.phase.kind === 'ready') return true;
    return command.kind === 'sleep' && waiting.kind === 'sleep' && command.until !== waiting.until;
  }

  /** Whether a wait for events ends so late that those which came in time may be on their way still. */
  private isLate(): boolean {
    const { phase, isVirtual } = this.state;
    if (isVirtual || phase.kind !== 'waiting' || phase.wait.because !== 'wait_for') return false;
    return Date.now() - phase.wait.until >= LATE_MS && patched(LATE_PATCH);
  }

  private take(message: Message): void {
    this.state = receive(this.input.plan, this.state, message);
    this.hasNews = true;
  }

  private isHistoryLong(): boolean {
    // In skipped time the later executions of a chain jump extra days (server 1.32).
    if (this.state.isVirtual) return false;
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength >= (this.input.eventsMax ?? EVENTS_MAX);
  }

  private async continueAsNew(): Promise<never> {
    this.display.handOver();
    await condition(allHandlersFinished);
    return continueAsNew<typeof journeyWorkflow>({ ...this.input, carried: putDown(this.state) });
  }

  private clock(): RunClock {
    const { clockDomain } = this.input;
    return clockDomain === 'real' ? { kind: 'real' } : { kind: 'virtual', domain: clockDomain, now: Date.now() };
  }
}
