import type { FoundEvent } from '../../activities/contract.js';
import { HOUR_MS } from '../../src/core/kernel/instant.js';
import { stableFraction } from '../../src/core/kernel/stable-hash.js';
import { next, start } from '../../src/core/journeys/interpreter.js';
import type { Command, Input } from '../../src/core/journeys/interpreter.js';
import type { Plan } from '../../src/core/journeys/plan.js';
import type { ActAnswer, StepAnswer } from '../../src/core/journeys/step-answer.js';
import { unit } from './interpreter-host.js';
import { firstFound } from './scripted-activities.js';

interface Scene {
  readonly plan: Plan;
  /** In the order of their times, no two at one time. */
  readonly events: readonly FoundEvent[];
  /** What else the world answers. */
  readonly seed: number;
  readonly from: number;
}

/** What a run does, apart from waiting: `<command> <step or reason> @<milliseconds since the start>`. */
type Way = readonly string[];

/** The way of a run that hears of each event when it happens. */
export function playReal(scene: Scene): Way {
  const world = new World(scene);
  let turn = next(scene.plan, start(scene.plan, { entryAt: scene.from, unit }), null, scene.from);
  let now = scene.from;
  let heard = 0;
  while (turn.command.kind !== 'end') {
    const { command } = turn;
    const event = scene.events[heard];
    if (command.kind === 'sleep' && event !== undefined && event.occurredAt <= command.until) {
      heard += 1;
      now = event.occurredAt;
      turn = next(scene.plan, turn.state, { kind: 'event', event }, now);
    } else {
      if (command.kind === 'sleep') now = command.until;
      turn = next(scene.plan, turn.state, world.answer(command, now), now);
    }
  }
  return world.ended(turn.command, now);
}

/** The way of a run whose events are looked up before each wait. */
export function playVirtual(scene: Scene): Way {
  const world = new World(scene);
  let now = scene.from;
  let turn = next(scene.plan, start(scene.plan, { entryAt: now, isVirtual: true, unit }), null, now);
  while (turn.command.kind !== 'end') {
    const { command } = turn;
    if (command.kind === 'sleep') now = command.until;
    turn = next(scene.plan, turn.state, world.answer(command, now), now);
  }
  return world.ended(turn.command, now);
}

/** How a run ends that only waits, worked out from the rules alone: no inbox, no turns. */
export function wayByHand({ plan, events, from }: Omit<Scene, 'seed'>): string {
  const fits = ({ name, matches = [] }: FoundEvent, event: string, listener: number | null): boolean =>
    name === event && (listener === null || matches.includes(listener));
  const endOf = (event: FoundEvent): string | undefined =>
    plan.exitEvents.includes(event.name)
      ? `exited exit_event:${event.name}`
      : plan.watches
          ?.map((watch) => (fits(event, watch.event, watch.listener) ? `${watch.outcome} ${watch.reason}` : ''))
          .find((end) => end !== '');
  let [now, stopped, cursor] = [from, from, plan.start];
  for (;;) {
    const step = plan.steps[cursor];
    if (step?.kind === 'end') return `completed ${step.reason} @${now - from}`;
    if (step?.kind !== 'wait' && step?.kind !== 'wait_for_any') throw new Error(`${cursor} is not for this`);
    const until = now + (step.kind === 'wait' ? step.durationMs : step.timeoutMs);
    const arms = step.kind === 'wait' ? [] : step.arms;
    const after = step.kind === 'wait' || step.since === 'step' ? stopped : from;
    const armOf = (event: FoundEvent) => arms.find(({ event: name, listener }) => fits(event, name, listener));
    const first = events.find(
      (event) =>
        event.occurredAt <= until &&
        (endOf(event) !== undefined || (armOf(event) !== undefined && event.occurredAt > after)),
    );
    const end = first === undefined ? undefined : endOf(first);
    now = Math.max(now, first?.occurredAt ?? until);
    if (end !== undefined) return `${end} @${now - from}`;
    stopped = Math.max(stopped, first?.occurredAt ?? until);
    cursor =
      (first === undefined ? undefined : armOf(first))?.next ?? (step.kind === 'wait' ? step.next : step.onTimeout);
  }
}

/** Answers every question the same way each time it is played, and notes it. */
class World {
  private readonly way: string[] = [];

  constructor(private readonly scene: Scene) {}

  answer(command: Exclude<Command, { kind: 'end' }>, now: number): Input {
    switch (command.kind) {
      case 'sleep':
        return { kind: 'timer' };
      case 'wait_message':
        return { kind: 'resume' };
      case 'find_event':
        return { kind: 'event_answer', event: firstFound(this.scene.events, command) };
      case 'run_step':
        return { kind: 'step_answer', answer: this.stepAnswer(this.draw(command.kind, command.step.id, now), now) };
      case 'evaluate_branch':
        return { kind: 'branch_answer', holds: this.draw(command.kind, command.stepId, now) < 0.5 };
      case 'choose': {
        const index = Math.floor(this.draw(command.kind, command.stepId, now) * (command.conditions.length + 1));
        return { kind: 'choice_answer', index: index === command.conditions.length ? null : index };
      }
      case 'find_moment': {
        const drawn = this.draw(command.kind, command.stepId, now);
        return { kind: 'moment_answer', until: drawn < 0.2 ? null : Math.floor(now + (drawn - 0.4) * 50 * HOUR_MS) };
      }
      case 'act':
        return { kind: 'act_answer', answer: actAnswer(this.draw(command.kind, command.stepId, now), now) };
    }
  }

  ended(end: Extract<Command, { kind: 'end' }>, now: number): Way {
    return [...this.way, `${end.outcome} ${end.reason} @${now - this.scene.from}`];
  }

  private draw(kind: string, stepId: string, now: number): number {
    this.way.push(`${kind} ${stepId} @${now - this.scene.from}`);
    return stableFraction(`${this.scene.seed}:${this.way.length}:${stepId}`);
  }

  private stepAnswer(drawn: number, now: number): StepAnswer {
    const ids = { decisionId: 'd', deliveryId: 'l' };
    if (drawn < 0.4) return { kind: 'sent', ...ids, action: 'a' };
    if (drawn < 0.6) return { kind: 'defer', decisionId: 'd', reason: 'QUIET_HOURS', until: now + 3 * HOUR_MS };
    if (drawn < 0.8) return { kind: 'skip', decisionId: 'd', reason: 'CONSENT_MISSING' };
    if (drawn < 0.9) return { kind: 'do_nothing', decisionId: 'd', reason: 'BELOW_THRESHOLD' };
    return { kind: 'unknown', ...ids, reason: 'OUTCOME_UNKNOWN' };
  }
}

function actAnswer(drawn: number, now: number): ActAnswer {
  if (drawn < 0.3) return { kind: 'later', until: now + 5 * HOUR_MS };
  return { kind: drawn < 0.8 ? 'done' : 'failed' };
}
