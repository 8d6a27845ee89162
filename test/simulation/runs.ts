import { evaluateCondition } from '../../src/core/audiences/evaluate-condition.js';
import { next, start, type Command, type Input, type InterpreterState } from '../../src/core/journeys/interpreter.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import type { Journey, RunRow } from './model.js';
import type { StepRequest } from './facts.js';
import type { Scene } from './scene.js';

/** What a run wants done for it. */
export interface RunHost {
  readonly ask: (run: RunActor, request: StepRequest) => void;
  readonly sleep: (run: RunActor, until: number, timer: number) => void;
}

/** One run: the interpreter of the core, driven by the simulator's clock in place of a workflow. */
export class RunActor {
  readonly runKey: string;
  readonly #scene: Scene;
  readonly #journey: Journey;
  readonly #host: RunHost;
  #state: InterpreterState;
  #command: Command | null = null;
  #timer = 0;
  #sleepsUntil: number | null = null;
  #asks = 0;
  #asked = '';
  /** What else than a timer made it ask: each such message allows one more question. */
  #pushes = 0;

  constructor(scene: Scene, row: RunRow, journey: Journey, host: RunHost) {
    this.runKey = row.runKey;
    this.#scene = scene;
    this.#journey = journey;
    this.#host = host;
    this.#state = start(journey.plan, { entryAt: row.enteredAt });
  }

  get command(): Command | null {
    return this.#command;
  }

  get sleepsUntil(): number | null {
    return this.#sleepsUntil;
  }

  /** Questions of the present visit, and messages that came meanwhile. */
  get asking(): { readonly asks: number; readonly pushes: number } {
    return { asks: this.#asks, pushes: this.#pushes };
  }

  /** The question that waits for its answer, if any. */
  get request(): StepRequest | null {
    const command = this.#command;
    if (command?.kind !== 'run_step') return null;
    const { step, visit, ask } = command;
    return { run: this.#scene.store.run(this.runKey), step, visit, ask };
  }

  begin(): void {
    this.#turn(null);
  }

  timer(timer: number): void {
    if (timer !== this.#timer || this.#sleepsUntil === null) return;
    this.#sleepsUntil = null;
    this.#turn({ kind: 'timer' });
  }

  tell(input: Input): void {
    if (this.#command?.kind === 'end') return;
    this.#pushes += 1;
    this.#turn(input);
  }

  answer(answer: StepAnswer): void {
    this.#turn({ kind: 'step_answer', answer });
  }

  #turn(input: Input | null): void {
    const { plan } = this.#journey;
    const before = this.#command;
    ({ state: this.#state, command: this.#command } = next(plan, this.#state, input, this.#scene.now));
    const command = this.#command;
    if (command.kind !== 'sleep') this.#sleepsUntil = null;
    switch (command.kind) {
      case 'run_step':
        if (!isSameQuestion(before, command)) this.#ask();
        return;
      case 'sleep':
        if (command.until === this.#sleepsUntil) return;
        this.#timer += 1;
        this.#sleepsUntil = command.until;
        this.#host.sleep(this, command.until, this.#timer);
        return;
      case 'evaluate_branch': {
        const { attributes } = this.#scene.store.user(this.#scene.store.run(this.runKey).userId);
        this.#turn({ kind: 'branch_answer', holds: evaluateCondition({ condition: command.condition, attributes }) });
        return;
      }
      case 'end': {
        const row = this.#scene.store.run(this.runKey);
        this.#scene.store.putRun({ ...row, isEnded: true });
        this.#scene.note(row.userId, () => `${this.runKey} ends: ${command.reason}`);
        return;
      }
      case 'wait_message':
        return;
      case 'find_event':
        throw new Error('only virtual runs look events up');
      case 'choose':
      case 'find_moment':
      case 'act':
        throw new Error(`the simulated journeys have no step that asks for ${command.kind}`);
    }
  }

  #ask(): void {
    const request = this.request;
    if (request === null) return;
    const visit = `${request.step.id}|${request.visit}`;
    if (visit !== this.#asked) [this.#asked, this.#asks, this.#pushes] = [visit, 0, 0];
    this.#asks += 1;
    this.#host.ask(this, request);
  }
}

function isSameQuestion(before: Command | null, after: Extract<Command, { kind: 'run_step' }>): boolean {
  return (
    before?.kind === 'run_step' &&
    before.step.id === after.step.id &&
    before.visit === after.visit &&
    before.ask === after.ask
  );
}
