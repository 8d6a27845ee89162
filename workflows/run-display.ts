import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { defineQuery, proxySinks, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { describeState, waitsOn } from '../src/core/journeys/describe-state.js';
import { next, type Command, type Input, type InterpreterState, type Turn } from '../src/core/journeys/interpreter.js';
import { listenedEvents } from '../src/core/journeys/plan.js';
import type { RunProgress, RunSnapshot } from '../src/core/journeys/progress.js';
import {
  RUN_STATE_QUERY,
  SEARCH_ATTRIBUTES,
  type JourneyInput,
  type JourneyResult,
  type JourneySinks,
} from './messages.js';
import { RunPath } from './run-path.js';

const { KEYWORD } = SearchAttributeType;
const STEP_ID = defineSearchAttributeKey(SEARCH_ATTRIBUTES.stepId, KEYWORD);
const RUN_STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.runState, KEYWORD);
const EXIT_REASON = defineSearchAttributeKey(SEARCH_ATTRIBUTES.exitReason, KEYWORD);

const { progress } = proxySinks<JourneySinks>();
const stateQuery = defineQuery<RunSnapshot>(RUN_STATE_QUERY);

/** Tells people where one run stands and has been: in the Temporal UI, and (by a sink) in the tables of runs. */
export class RunDisplay {
  private shownState: RunProgress['state'] = 'running';
  private shownStepId = '';
  private lastProgress: RunProgress | null = null;
  private end: RunSnapshot['end'] = null;
  private readonly path: RunPath;

  constructor(private readonly input: JourneyInput) {
    this.path = new RunPath(input.carried);
    // Queries leave no trace in the history, and a run that is over is replayed to answer one.
    setHandler(stateQuery, () => ({
      progress: this.lastProgress,
      moves: this.path.all(),
      listensTo: listenedEvents(this.input.plan),
      end: this.end,
    }));
  }

  /** One turn of the interpreter, of which the path takes note. */
  turn(state: InterpreterState, answer: Input | null, now: number): Turn {
    const { plan } = this.input;
    const states = [state];
    const turn = next(plan, state, answer, now, (seen) => states.push(seen));
    this.path.follow({ plan, answer, states, now });
    return turn;
  }

  /**
   * Called before each command. Only what lasts is worth an event: a wait, a pause, and the end of a pause; between two
   * waits a run is done before anybody could look.
   */
  show(state: InterpreterState, command: Exclude<Command, { kind: 'end' }>): void {
    const runState = stateOf(command);
    if (runState === 'running' && this.shownState !== 'paused') return;
    setCurrentDetails(describeState(this.input.plan, state));
    if (runState !== this.shownState || state.cursor !== this.shownStepId) {
      upsertSearchAttributes([
        { key: STEP_ID, value: state.cursor },
        { key: RUN_STATE, value: runState },
      ]);
    }
    this.shownState = runState;
    this.shownStepId = state.cursor;
    const { runKey } = this.input.run;
    this.lastProgress = {
      runKey,
      seq: state.seq,
      state: runState,
      stepId: state.cursor,
      waitsFor: command.kind === 'sleep' ? command.label : null,
      waitsUntil: command.kind === 'sleep' ? command.until : null,
      waitsOn: command.kind === 'sleep' ? waitsOn(this.input.plan, state) : [],
    };
    progress.report({ runKey, progress: this.lastProgress, moves: this.path.take() });
  }

  /** Called before the execution is left for another one, which knows nothing of these moves. */
  handOver(): void {
    progress.report({ runKey: this.input.run.runKey, progress: null, moves: this.path.take() });
  }

  showEnd(state: InterpreterState, end: JourneyResult): void {
    setCurrentDetails(describeState(this.input.plan, state));
    upsertSearchAttributes([
      { key: STEP_ID, value: state.cursor },
      { key: RUN_STATE, value: end.outcome },
      { key: EXIT_REASON, value: end.reason },
    ]);
    const endedAt = Date.now();
    this.end = { ...end, endedAt };
    this.path.close({ reason: end.reason, turn: state.seq + 1, at: endedAt });
    progress.report({ runKey: this.input.run.runKey, progress: null, moves: this.path.take() });
  }
}

function stateOf(command: Exclude<Command, { kind: 'end' }>): RunProgress['state'] {
  switch (command.kind) {
    case 'sleep':
      return 'waiting';
    case 'wait_message':
      return 'paused';
    case 'run_step':
    case 'evaluate_branch':
    case 'choose':
    case 'find_moment':
    case 'act':
    case 'find_event':
      return 'running';
  }
}
