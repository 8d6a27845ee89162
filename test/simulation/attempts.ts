import { HOUR_MS, SECOND_MS } from '../../src/core/kernel/instant.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import type { StepRequest } from './facts.js';
import { AskAgainError, ATTEMPT_ALIVE_MS, runStep, settleOverdue, type Point } from './protocol.js';
import { questionKey, visitKey } from './model.js';
import type { Random } from './random.js';
import { count, type Scene } from './scene.js';

/** A process that carries one question out. */
interface Attempt {
  readonly request: StepRequest;
  readonly worker: number;
  readonly steps: Generator<Point, StepAnswer, void>;
  isDead: boolean;
}

/** What the simulator does for attempts. */
export interface AttemptHost {
  readonly after: (delayMs: number, act: () => void) => void;
  readonly answered: (request: StepRequest, answer: StepAnswer) => void;
  /** Whether the run still waits for the answer to this question. */
  readonly isOpen: (request: StepRequest) => boolean;
  /** Somebody may do something to the person within this time. */
  readonly meddle: (userId: string, withinMs: number) => void;
}

const WORKERS = 3;
/** How likely a process dies at each place where it could. */
const DEATH = 0.012;
const DUPLICATE = 0.04;
const MEDDLING = 0.1;
const SETTLER_EVERY_MS = 15 * SECOND_MS;
const CALLBACKS = [
  ['delivered', 0.8],
  ['opened', 0.3],
  ['clicked', 0.15],
  ['bounced', 0.05],
  ['complained', 0.03],
  ['dismissed', 0.06],
  ['ignored', 0.06],
  ['unsubscribed', 0.02],
] as const;

/** What is heard of a message after it has left. */
export type Callback = (typeof CALLBACKS)[number][0];

/** Carries questions out on processes that die, stall and run twice. */
export class Attempts {
  readonly #scene: Scene;
  readonly #random: Random;
  readonly #host: AttemptHost;
  readonly #hear: (idempotencyKey: string, kind: Callback) => void;
  #alive: Attempt[] = [];
  /** Questions that will be asked again. */
  #retries: readonly StepRequest[] = [];

  constructor(scene: Scene, random: Random, host: AttemptHost, hear: (key: string, kind: Callback) => void) {
    this.#scene = scene;
    this.#random = random;
    this.#host = host;
    this.#hear = hear;
  }

  /** Attempts under way and attempts that will be made again: nothing may wait for neither. */
  isUnderWay(request: StepRequest): boolean {
    return [...this.#alive.map((attempt) => attempt.request), ...this.#retries].some((open) => isSame(open, request));
  }

  ask(request: StepRequest): void {
    this.#start(request);
    // The same activity once more while the first is alive: its heartbeat was lost.
    if (this.#random.chance(DUPLICATE)) {
      count(this.#scene, 'duplicate questions');
      this.#host.after(this.#random.int(0, 1_500), () => this.#start(request));
    }
  }

  /** A process stops, with everything that it had under way. */
  crash(): void {
    const worker = this.#random.int(0, WORKERS - 1);
    for (const attempt of [...this.#alive]) if (attempt.worker === worker) this.#die(attempt);
  }

  #start(request: StepRequest): void {
    const worker = this.#random.int(0, WORKERS - 1);
    const attempt = { request, worker, steps: runStep(this.#scene, request), isDead: false };
    this.#alive.push(attempt);
    this.#resume(attempt);
  }

  #resume(attempt: Attempt): void {
    if (attempt.isDead) return;
    const { request, steps } = attempt;
    let step: IteratorResult<Point, StepAnswer>;
    const callsBefore = this.#scene.journal.calls.length;
    try {
      step = steps.next();
    } catch (error) {
      if (!(error instanceof AskAgainError)) throw error;
      this.#remove(attempt);
      this.#retry(request, error.afterMs + this.#random.int(1, SECOND_MS));
      return;
    }
    this.#foresee(callsBefore);
    if (step.done === true) {
      this.#remove(attempt);
      this.#scene.journal.answers.push({ question: questionOf(request), answer: step.value });
      this.#host.answered(request, step.value);
      return;
    }
    if (this.#random.chance(DEATH)) {
      count(this.#scene, `deaths at ${step.value}`);
      this.#die(attempt);
      return;
    }
    const delayMs = this.#delayAt(step.value, request);
    // Who stands still for so long is taken for dead, and its question is asked again meanwhile.
    if (delayMs > ATTEMPT_ALIVE_MS) this.#host.after(10 * SECOND_MS, () => this.#start(request));
    if (this.#random.chance(MEDDLING)) this.#host.meddle(request.run.userId, delayMs);
    this.#host.after(delayMs, () => this.#resume(attempt));
  }

  #delayAt(point: Point, request: StepRequest): number {
    if (point === 'claimed') this.#watch(request);
    if (point === 'calling') return this.#scene.provider.calls.get(keyOf(request))?.at(-1)?.latencyMs ?? 0;
    // Mostly milliseconds; now and then a process stands still.
    const longMs = point === 'claimed' ? 2 * SECOND_MS : 2 * ATTEMPT_ALIVE_MS;
    return this.#random.chance(0.03) ? this.#random.int(0, longMs) : this.#random.int(0, 60);
  }

  /** The settler looks for attempts whose time is over, whether or not anybody asks. */
  #watch(request: StepRequest): void {
    this.#host.after(ATTEMPT_ALIVE_MS + this.#random.int(1, SETTLER_EVERY_MS), () => {
      const row = settleOverdue(this.#scene, keyOf(request));
      if (row?.state === 'sending') this.#watch(request);
    });
  }

  /** What will be heard of a message is decided when it leaves; it may come twice and in any order. */
  #foresee(callsBefore: number): void {
    for (const { idempotencyKey, isTaken, delivery, result } of this.#scene.journal.calls.slice(callsBefore)) {
      if (result === 'unavailable' && this.#random.chance(0.5)) this.#host.meddle(delivery.userId, 30 * SECOND_MS);
      if (!isTaken) continue;
      for (const [kind, probability] of CALLBACKS) {
        if (!this.#random.chance(probability)) continue;
        const times = this.#random.chance(0.1) ? 2 : 1;
        for (let time = 0; time < times; time += 1) {
          const delayMs = this.#random.int(10, this.#random.chance(0.5) ? 5 * SECOND_MS : 12 * HOUR_MS);
          this.#host.after(delayMs, () => this.#hear(idempotencyKey, kind));
        }
      }
    }
  }

  #die(attempt: Attempt): void {
    attempt.isDead = true;
    this.#remove(attempt);
    this.#scene.note(attempt.request.run.userId, () => `${questionKey(questionOf(attempt.request))} dies`);
    if (this.#scene.flaws.has('dead_not_retried')) return;
    this.#retry(attempt.request, this.#random.int(SECOND_MS, 150 * SECOND_MS));
  }

  #retry(request: StepRequest, afterMs: number): void {
    const retried = { ...request };
    this.#retries = [...this.#retries, retried];
    this.#host.after(afterMs, () => {
      this.#retries = this.#retries.filter((other) => other !== retried);
      if (this.#host.isOpen(request)) this.#start(request);
    });
  }

  #remove(attempt: Attempt): void {
    this.#alive = this.#alive.filter((other) => other !== attempt);
  }
}

const questionOf = ({ run, step, visit, ask }: StepRequest) => ({ runKey: run.runKey, stepId: step.id, visit, ask });
const keyOf = (request: StepRequest): string => visitKey(questionOf(request));

function isSame(left: StepRequest, right: StepRequest): boolean {
  return questionKey(questionOf(left)) === questionKey(questionOf(right));
}
