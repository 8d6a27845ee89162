import { compile } from '../../src/core/journeys/compile.js';
import type { StepDefinition } from '../../src/core/journeys/definition.js';
import { next, start } from '../../src/core/journeys/interpreter.js';
import type { Command, Entry, Input, InterpreterState } from '../../src/core/journeys/interpreter.js';
import type { Plan } from '../../src/core/journeys/plan.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';

export const T0 = 1_800_000_000_000;
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const message = (id: string, onRefusal?: 'exit'): StepDefinition => ({
  kind: 'message',
  id,
  channel: 'email',
  template: id,
  on_refusal: onRefusal,
});
export const decide = (id: string, onRefusal?: 'exit'): StepDefinition => ({
  kind: 'decide',
  id,
  actions: ['reminder', 'help'],
  on_refusal: onRefusal,
});
export const wait = (id: string, duration = 'PT1H'): StepDefinition => ({ kind: 'wait', id, duration });
export const end = (id = 'done'): StepDefinition => ({ kind: 'end', id, reason: id });
export const purchase = (more: Partial<Extract<StepDefinition, { kind: 'wait_for' }>> = {}): StepDefinition => ({
  kind: 'wait_for',
  id: 'purchase',
  event: 'purchase',
  timeout: 'P1D',
  on_event: 'won',
  on_timeout: 'lost',
  ...more,
});

export const sent: StepAnswer = { kind: 'sent', decisionId: 'd', deliveryId: 'l', action: 'a' };
export const unknown: StepAnswer = { kind: 'unknown', decisionId: 'd', deliveryId: 'l', reason: 'OUTCOME_UNKNOWN' };
export const skip = (reason: Extract<StepAnswer, { kind: 'skip' }>['reason'] = 'CONSENT_MISSING'): StepAnswer => ({
  kind: 'skip',
  decisionId: 'd',
  reason,
});
export const doNothing: StepAnswer = { kind: 'do_nothing', decisionId: 'd', reason: 'BELOW_THRESHOLD' };
export const defer = (until: number): StepAnswer => ({ kind: 'defer', decisionId: 'd', reason: 'QUIET_HOURS', until });

export function planOf(steps: readonly StepDefinition[], exitEvents: readonly string[] = []): Plan {
  const definition = { key: 'trial', name: 'Trial', exit: { events: exitEvents }, steps };
  const compiled = compile(definition, { version: 1, contentHash: '' });
  if (compiled.kind === 'faults') throw new Error(JSON.stringify(compiled.faults));
  return compiled.plan;
}

export const unit = { userId: 'user', runKey: 'trial:user:1' } as const;

/** A host that carries nothing out: it shows what the interpreter commands. */
export class Host {
  state: InterpreterState;
  command: Command;

  constructor(
    readonly plan: Plan,
    entry: Partial<Entry> = {},
  ) {
    const state = start(plan, { entryAt: T0, unit, ...entry });
    ({ state: this.state, command: this.command } = next(plan, state, null, T0));
  }

  give(input: Input | null, at = T0): Command {
    ({ state: this.state, command: this.command } = next(this.plan, this.state, input, at));
    return this.command;
  }

  answer(answer: StepAnswer, at = T0): Command {
    return this.give({ kind: 'step_answer', answer }, at);
  }

  event(name: string, occurredAt: number, at = occurredAt, messageId = `${name}@${occurredAt}`): Command {
    return this.give({ kind: 'event', event: { messageId, name, occurredAt } }, at);
  }

  /** An event that happens and arrives at `at`, and fits these listeners of the plan. */
  match(name: string, matches: readonly number[], at = T0): Command {
    return this.give({ kind: 'event', event: { messageId: `${name}@${at}`, name, occurredAt: at, matches } }, at);
  }

  /** The timer of the sleep under way. */
  timer(): Command {
    if (this.command.kind !== 'sleep') throw new Error(`no sleep but ${this.command.kind}`);
    return this.give({ kind: 'timer' }, this.command.until);
  }
}
