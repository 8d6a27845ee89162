import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { proxySinks, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { describeState } from '../src/core/journeys/describe-state.js';
import type { Command, InterpreterState } from '../src/core/journeys/interpreter.js';
import type { RunProgress } from '../src/core/journeys/progress.js';
import { SEARCH_ATTRIBUTES, type JourneyInput, type JourneySinks } from './messages.js';

const { KEYWORD } = SearchAttributeType;
const STEP_ID = defineSearchAttributeKey(SEARCH_ATTRIBUTES.stepId, KEYWORD);
const RUN_STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.runState, KEYWORD);
const EXIT_REASON = defineSearchAttributeKey(SEARCH_ATTRIBUTES.exitReason, KEYWORD);

const { progress } = proxySinks<JourneySinks>();

/** Tells people where one run stands: in the Temporal UI, and (by a sink) in the table of runs. */
export class RunDisplay {
  private shownState: RunProgress['state'] = 'running';
  private shownStepId = '';

  constructor(private readonly input: JourneyInput) {}

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
    progress.report({
      runKey: this.input.run.runKey,
      seq: state.seq,
      state: runState,
      stepId: state.cursor,
      waitsFor: command.kind === 'sleep' ? command.label : null,
      waitsUntil: command.kind === 'sleep' ? command.until : null,
    });
  }

  showEnd(state: InterpreterState, end: { readonly outcome: string; readonly reason: string }): void {
    setCurrentDetails(describeState(this.input.plan, state));
    upsertSearchAttributes([
      { key: STEP_ID, value: state.cursor },
      { key: RUN_STATE, value: end.outcome },
      { key: EXIT_REASON, value: end.reason },
    ]);
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
