import { defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import type { InterpreterState, Message } from '../src/core/journeys/interpreter.js';
import { reasonNotToJump } from '../src/core/journeys/jumping.js';
import type { Plan } from '../src/core/journeys/plan.js';
import * as messages from './messages.js';
import type { CommandSignal, EventSignal, ExitUpdate, JumpUpdate, MigrateSignal, WakeSignal } from './messages.js';

const REASON_LENGTH_MAX = 200;
/** The same as of a run that never hears why it was ended. */
const REASON_UNTOLD = 'run_exited';

const eventSignal = defineSignal<[EventSignal]>(messages.EVENT_SIGNAL);
const wakeSignal = defineSignal<[WakeSignal]>(messages.WAKE_SIGNAL);
const commandSignal = defineSignal<[CommandSignal]>(messages.COMMAND_SIGNAL);
const pauseUpdate = defineUpdate<void>(messages.PAUSE_UPDATE);
const resumeUpdate = defineUpdate<void>(messages.RESUME_UPDATE);
const exitUpdate = defineUpdate<void, [ExitUpdate]>(messages.EXIT_UPDATE);
const migrateSignal = defineSignal<[MigrateSignal]>(messages.MIGRATE_SIGNAL);
const jumpUpdate = defineUpdate<void, [JumpUpdate]>(messages.JUMP_UPDATE);

/** The run that listens. */
export interface Listener {
  plan(): Plan;
  state(): InterpreterState;
  take(message: Message): void;
}

/**
 * Hands every message of the outside world to the run. Updates are refused when they would change nothing, because
 * somebody waits for their answer; signals never are, because they may come twice, or late.
 */
export function listen({ plan, state, take }: Listener): void {
  setHandler(eventSignal, (event) => take({ kind: 'event', event }));
  setHandler(wakeSignal, ({ isUrgent }) => take({ kind: 'wake', ...(isUrgent === true ? { isUrgent } : {}) }));
  setHandler(commandSignal, (command) => take(messageOf(command)));
  setHandler(migrateSignal, (migration) => take({ kind: 'migrate', migration }));
  setHandler(pauseUpdate, () => take({ kind: 'pause' }), {
    validator: () => {
      refuseIfEnding(state());
      if (state().isPaused) throw new Error('the run is already paused');
    },
  });
  setHandler(resumeUpdate, () => take({ kind: 'resume' }), {
    validator: () => {
      refuseIfEnding(state());
      if (!state().isPaused) throw new Error('the run is not paused');
    },
  });
  setHandler(exitUpdate, ({ reason }) => take({ kind: 'exit', reason }), {
    validator: ({ reason }) => {
      refuseIfEnding(state());
      if (reason.length === 0 || reason.length > REASON_LENGTH_MAX) {
        throw new Error(`the reason needs 1 to ${REASON_LENGTH_MAX} characters`);
      }
    },
  });
  setHandler(jumpUpdate, ({ step }) => take({ kind: 'jump', step, at: Date.now() }), {
    validator: (to) => {
      refuseIfEnding(state());
      const reason = reasonNotToJump(plan(), state(), to);
      if (reason !== null) throw new Error(reason);
    },
  });
}

function messageOf({ kind, reason = '' }: CommandSignal): Message {
  if (kind !== 'exit') return { kind };
  return { kind, reason: reason.slice(0, REASON_LENGTH_MAX) || REASON_UNTOLD };
}

function refuseIfEnding({ phase, exitReason }: InterpreterState): void {
  if (phase.kind === 'ended') throw new Error('the run has already ended');
  if (exitReason !== null) throw new Error('the run is already ending');
}
