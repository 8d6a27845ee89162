import type { Condition } from '../audiences/condition.js';
import type { DurationMs } from '../kernel/instant.js';

/** Where a message goes out. Later channels join here. */
export type Channel = 'email';

/** What a message or decide step does when a gate refuses: go on with `next`, or end the run. */
export type OnRefusal = 'continue' | 'exit';

/** Sends one message, if every gate lets it pass. */
export interface MessageStep {
  readonly kind: 'message';
  readonly id: string;
  readonly channel: Channel;
  readonly template: string;
  /** From the first question of the visit on; left out: as long as it takes. */
  readonly ttlMs?: DurationMs;
  readonly onRefusal: OnRefusal;
  readonly next: string;
}

/** Weighs its actions against doing nothing; `next` follows whatever the answer is. */
export interface DecideStep {
  readonly kind: 'decide';
  readonly id: string;
  readonly actions: readonly string[];
  /** On top of what each action says for itself. */
  readonly ttlMs?: DurationMs;
  readonly onRefusal: OnRefusal;
  readonly next: string;
}

/** Waits for a length of elapsed time. */
interface WaitStep {
  readonly kind: 'wait';
  readonly id: string;
  readonly durationMs: DurationMs;
  readonly next: string;
}

/** Goes on when an event of this name happens, or at the time-out, whichever is first by event time. */
export interface WaitForStep {
  readonly kind: 'wait_for';
  readonly id: string;
  readonly event: string;
  readonly timeoutMs: DurationMs;
  /** From when an event counts: the start of this step, or the start of the run. */
  readonly since: 'step' | 'entry';
  readonly onEvent: string;
  readonly onTimeout: string;
}

/** Goes one of two ways, by a condition on the user at that moment. */
interface BranchStep {
  readonly kind: 'branch';
  readonly id: string;
  readonly condition: Condition;
  readonly then: string;
  readonly otherwise: string;
}

/** Ends the run. */
interface EndStep {
  readonly kind: 'end';
  readonly id: string;
  /** Free text of the author, e.g. `converted`; shown as the run's exit reason. */
  readonly reason: string;
}

/** A node of the plan; what follows is named by id. */
export type Step = MessageStep | DecideStep | WaitStep | WaitForStep | BranchStep | EndStep;

/** The compiled, immutable form of one journey version: what a run carries through its whole life. */
export interface Plan {
  readonly journeyKey: string;
  readonly version: number;
  /** SHA-256 of the canonical definition, hex. */
  readonly contentHash: string;
  readonly start: string;
  readonly steps: Readonly<Record<string, Step>>;
  /** Events that end the run wherever it waits. */
  readonly exitEvents: readonly string[];
}

/** Every event that a run of this plan can react to, each name once, sorted, and whether it ends the run. */
export function listenedEvents(plan: Plan): readonly { readonly name: string; readonly isExit: boolean }[] {
  const names = new Set(plan.exitEvents);
  for (const step of Object.values(plan.steps)) if (step.kind === 'wait_for') names.add(step.event);
  return [...names].sort().map((name) => ({ name, isExit: plan.exitEvents.includes(name) }));
}
