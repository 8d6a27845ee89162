import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RunQuestion } from '../../src/core/audiences/run-condition.js';
import { evaluateCondition } from '../../src/core/audiences/evaluate-condition.js';
import { evaluateRunCondition } from '../../src/core/audiences/evaluate-run-condition.js';
import type { Condition, Scalar } from '../../src/core/audiences/condition.js';
import { compile } from '../../src/core/journeys/compile.js';
import type { JourneyDefinition } from '../../src/core/journeys/definition.js';
import { next, start, type Command, type Input, type InterpreterState } from '../../src/core/journeys/interpreter.js';
import type { RunEvent } from '../../src/core/journeys/interpreter-state.js';
import { findMoment } from '../../src/core/journeys/moment.js';
import type { Plan } from '../../src/core/journeys/plan.js';
import type { ActAnswer, StepAnswer } from '../../src/core/journeys/step-answer.js';
import type { CommandOf, VirtualWorld } from '../../src/core/journeys/virtual-run.js';
import { parseDuration } from '../../src/core/kernel/duration.js';
import type { ReasonCode } from '../../src/core/kernel/reasons.js';
import { firstFound } from './scripted-activities.js';

/** Everybody enters on Friday 2027-01-15 at 08:00 UTC. */
const ENTRY_AT = 1_800_000_000_000;
const TURNS_MAX = 2_000;
const FOLDER = fileURLToPath(new URL('../cases/journeys/', import.meta.url));

interface Consent {
  readonly purpose: string;
  readonly channel: string;
}

/** Something that happens, so long after entry; `PT0S` is at once. */
type Happening = { readonly at: string } & (
  | { readonly event: string; readonly properties?: Readonly<Record<string, unknown>> }
  | { readonly set: Readonly<Record<string, Scalar>> }
  | { readonly grant: Consent }
  | { readonly withdraw: Consent }
  | { readonly delivery: string; readonly of: string }
  | { readonly operator: 'pause' | 'resume' | 'exit' }
);

/** A journey, what happens to one user in it, and where that user must come along. See test/cases/README.md. */
export interface JourneyCase {
  readonly key: string;
  readonly what: string;
  readonly definition: Omit<JourneyDefinition, 'key' | 'name'>;
  readonly user?: {
    readonly id?: string;
    readonly timezone?: string;
    readonly lifecycle_stage?: string;
    readonly attributes?: Readonly<Record<string, unknown>>;
    readonly consents?: readonly Consent[];
  };
  readonly script?: readonly Happening[];
  /** By step, question by question; what is not said is `sent`, and done. A webhook answers with an object. */
  readonly answers?: Readonly<Record<string, readonly (string | Readonly<Record<string, unknown>>)[]>>;
  readonly path: readonly string[];
  /** So long after entry; `between` where the length of a wait is drawn. */
  readonly end: {
    readonly outcome: 'completed' | 'exited';
    readonly reason: string;
    readonly after?: string;
    readonly between?: readonly [string, string];
  };
}

/** All cases of test/cases/journeys. */
export function readJourneyCases(): readonly JourneyCase[] {
  const files = globSync('*.json', { cwd: FOLDER }).sort();
  return files.flatMap((file) => JSON.parse(readFileSync(`${FOLDER}${file}`, 'utf8')) as readonly JourneyCase[]);
}

/** The journey of a case as it is sent to the API. */
export function definitionOf({ key, what, definition }: JourneyCase): JourneyDefinition {
  return { key, name: what, ...definition };
}

/** The plan of a case, by the compiler of production. */
export function planOfCase(each: JourneyCase): Plan {
  const compiled = compile(definitionOf(each), { version: 1, contentHash: '' });
  if (compiled.kind === 'faults') throw new Error(JSON.stringify(compiled.faults));
  return compiled.plan;
}

/** In skipped time events are looked up; whatever else happens has no place there. */
export const isForVirtual = (each: JourneyCase): boolean =>
  (each.script ?? []).every((happening) => 'event' in happening);

/** What the pure interpreter made of a case: steps entered, turn by turn, and the end. */
export interface Outcome {
  /** Steps entered in one turn stand together: only the last of them is where the run came to rest. */
  readonly path: readonly (readonly string[])[];
  readonly end: { readonly outcome: string; readonly reason: string; readonly afterMs: number };
}

/** @param isVirtual whether events are looked up ahead of each wait instead of signalled */
export function playCase(each: JourneyCase, isVirtual: boolean): Outcome {
  return new CasePlayer(each, isVirtual).play();
}

/** Milliseconds of a duration of a case; `PT0S` is none. */
export const msOf = (duration: string): number =>
  /^PT?0S?D?$/.test(duration) ? 0 : (parseDuration(duration) ?? Number.NaN);

/** One user in one journey: carries commands out by the script, in time that is skipped. */
class CasePlayer {
  private readonly plan: Plan;
  private readonly script: { readonly at: number; readonly happening: Happening; readonly index: number }[];
  private readonly world: CaseWorld;
  private readonly path: string[][] = [];
  private now = ENTRY_AT;
  private state: InterpreterState;

  constructor(
    private readonly each: JourneyCase,
    private readonly isVirtual: boolean,
  ) {
    this.plan = planOfCase(each);
    this.world = new CaseWorld(each, this.plan, ENTRY_AT);
    const { id = 'user' } = each.user ?? {};
    this.script = (each.script ?? [])
      .map((happening, index) => ({ at: ENTRY_AT + msOf(happening.at), happening, index }))
      .sort((one, other) => one.at - other.at || one.index - other.index);
    const unit = { userId: id, runKey: `${each.key}:${id}:once` };
    this.state = start(this.plan, { entryAt: ENTRY_AT, isVirtual, unit });
  }

  play(): Outcome {
    let input: Input | null = null;
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      const command = this.turn(input);
      if (command.kind === 'end') {
        const { outcome, reason } = command;
        return { path: this.path, end: { outcome, reason, afterMs: this.now - ENTRY_AT } };
      }
      input = this.carryOut(command);
    }
    throw new Error(`${this.each.key} does not end`);
  }

  private turn(input: Input | null): Command {
    const before = this.state.visits;
    const turn = next(this.plan, this.state, input, this.now);
    this.state = turn.state;
    const entered = Object.entries(turn.state.visits).flatMap(([id, visits]) =>
      Array<string>(visits - (before[id] ?? 0)).fill(id),
    );
    if (entered.length > 0) this.path.push(entered);
    return turn.command;
  }

  private carryOut(command: Exclude<Command, { kind: 'end' }>): Input {
    const { world, now } = this;
    switch (command.kind) {
      case 'run_step':
        return { kind: 'step_answer', answer: world.runStep(command, now) };
      case 'evaluate_branch':
        return { kind: 'branch_answer', holds: world.holds(command) };
      case 'choose':
        return { kind: 'choice_answer', index: world.choose(command, now) };
      case 'find_moment':
        return { kind: 'moment_answer', until: world.findMoment(command) };
      case 'act':
        return { kind: 'act_answer', answer: world.act(command, now) };
      case 'find_event':
        return { kind: 'event_answer', event: world.findEvent(command) };
      case 'sleep':
        return this.pass(command.until);
      case 'wait_message':
        return this.pass(Number.POSITIVE_INFINITY);
    }
  }

  /** The next thing that happens, or the end of the sleep. */
  private pass(until: number): Input {
    for (let item = this.script.shift(); item !== undefined; item = this.script.shift()) {
      if (item.at > until) {
        this.script.unshift(item);
        break;
      }
      this.now = Math.max(this.now, item.at);
      const input = this.happen(item);
      if (input !== null) return input;
    }
    if (!Number.isFinite(until)) throw new Error(`${this.each.key} waits for nothing`);
    this.now = Math.max(this.now, until);
    return { kind: 'timer' };
  }

  private happen({ happening, index }: (typeof this.script)[number]): Input | null {
    if ('event' in happening)
      return this.isVirtual ? null : { kind: 'event', event: this.world.eventOf(happening, index) };
    if ('operator' in happening) {
      return happening.operator === 'exit' ? { kind: 'exit', reason: 'operator' } : { kind: happening.operator };
    }
    this.world.change(happening);
    return { kind: 'wake' };
  }
}

/**
 * The world around one user in the journey of a case: what is known of the user, what happens and what steps answer. Its
 * time is the caller's; instants count from `entryAt`.
 */
export class CaseWorld implements VirtualWorld {
  private readonly profile: Record<string, unknown>;
  private readonly responses: Record<string, unknown> = {};
  private readonly consents: Consent[];
  private readonly outcomes = new Map<string, string>();
  private readonly asked = new Map<string, number>();

  constructor(
    private readonly each: JourneyCase,
    private readonly plan: Plan,
    private readonly entryAt: number,
  ) {
    const { consents = [], attributes = {}, lifecycle_stage: stage = null } = each.user ?? {};
    this.profile = { lifecycle_stage: stage, attributes: structuredClone(attributes) };
    this.consents = [...consents];
  }

  choose({ conditions }: Pick<CommandOf<'choose'>, 'conditions'>, now: number): number | null {
    const attributes = { ...this.profile, run: { responses: this.responses } };
    const answer = (question: RunQuestion): boolean => this.isSo(question, now);
    const index = conditions.findIndex((condition) => evaluateRunCondition({ condition, attributes, answer }));
    return index < 0 ? null : index;
  }

  findMoment({ moment, from }: Pick<CommandOf<'find_moment'>, 'moment' | 'from'>): number | null {
    const value = moment.kind === 'attribute' ? at(this.profile, moment.attribute) : null;
    return findMoment({ moment, value, zones: [this.each.user?.timezone ?? 'UTC'], from });
  }

  /** Whatever happens besides events. */
  change(happening: Exclude<Happening, { readonly event: string } | { readonly operator: string }>): void {
    if ('set' in happening) this.set(happening.set);
    if ('grant' in happening) this.consents.push(happening.grant);
    if ('withdraw' in happening) {
      const { purpose, channel } = happening.withdraw;
      const kept = this.consents.filter((consent) => consent.purpose !== purpose || consent.channel !== channel);
      this.consents.splice(0, this.consents.length, ...kept);
    }
    if ('delivery' in happening) this.outcomes.set(happening.of, happening.delivery);
  }

  eventOf(happening: Extract<Happening, { event: string }>, index: number): RunEvent {
    const occurredAt = this.entryAt + msOf(happening.at);
    const { event: name, properties = {} } = happening;
    const listeners = this.plan.listeners ?? [];
    const matches = listeners.flatMap(({ event, where }, listener) =>
      event === name && evaluateCondition({ condition: where, attributes: properties }) ? [listener] : [],
    );
    return { messageId: `m${index}`, name, occurredAt, ...(matches.length === 0 ? {} : { matches }) };
  }

  /** All that will happen, each event with the listeners of the plan that it fits. */
  events(): readonly RunEvent[] {
    return (this.each.script ?? []).flatMap((happening, index) =>
      'event' in happening ? [this.eventOf(happening, index)] : [],
    );
  }

  findEvent(command: Parameters<typeof firstFound>[1]): RunEvent | null {
    return firstFound(this.events(), command);
  }

  private said(stepId: string): string | Readonly<Record<string, unknown>> | undefined {
    const asked = this.asked.get(stepId) ?? 0;
    this.asked.set(stepId, asked + 1);
    return this.each.answers?.[stepId]?.[asked];
  }

  runStep({ step: { id: stepId } }: { readonly step: { readonly id: string } }, now: number): StepAnswer {
    const said = this.said(stepId) ?? 'sent';
    if (typeof said !== 'string') throw new Error(`${stepId} answers with words`);
    const [kind = '', reason = '', length = ''] = said.split(':');
    const ids = { decisionId: 'd', deliveryId: 'l' };
    const code = reason as ReasonCode;
    this.outcomes.set(
      stepId,
      { sent: 'sent', skip: 'skipped', nothing: 'nothing', unknown: 'unknown' }[kind] ?? 'none',
    );
    switch (kind) {
      case 'sent':
        return { kind, ...ids, action: stepId };
      case 'skip':
        return { kind, decisionId: 'd', reason: code };
      case 'nothing':
        return { kind: 'do_nothing', decisionId: 'd', reason: 'BELOW_THRESHOLD' };
      case 'unknown':
        return { kind, ...ids, reason: 'OUTCOME_UNKNOWN' };
      case 'defer':
        return { kind, decisionId: 'd', reason: code, until: now + msOf(length) };
      default:
        throw new Error(`${stepId} cannot answer ${said}`);
    }
  }

  act({ stepId, act }: Pick<CommandOf<'act'>, 'stepId' | 'act'>, now: number): ActAnswer {
    const said = this.said(stepId) ?? 'done';
    if (typeof said === 'string' && said.startsWith('later:')) {
      return { kind: 'later', until: now + msOf(said.slice('later:'.length)) };
    }
    const isDone = said !== 'failed';
    if (isDone && act.kind === 'update_user') this.set(act.set);
    if (typeof said === 'object') this.responses[stepId] = said;
    this.outcomes.set(stepId, isDone ? 'sent' : 'skipped');
    return { kind: isDone ? 'done' : 'failed' };
  }

  private set(values: Readonly<Record<string, Scalar>>): void {
    for (const [name, value] of Object.entries(values)) {
      const parts = name.split('.');
      const last = parts.pop() ?? '';
      let place = this.profile;
      for (const part of parts) place = (place[part] ??= {}) as Record<string, unknown>;
      if (value === null && name !== 'lifecycle_stage') delete place[last];
      else place[last] = value;
    }
  }

  holds({ condition }: { readonly condition: Condition }): boolean {
    return evaluateCondition({ condition, attributes: this.profile });
  }

  private isSo(question: RunQuestion, now: number): boolean {
    switch (question.kind) {
      case 'event': {
        const { name, within, at_least: atLeast = 1, where } = question;
        const after = within === undefined ? this.entryAt : now - msOf(within);
        const found = (this.each.script ?? []).filter((happening) => {
          const occurredAt = this.entryAt + msOf(happening.at);
          if (!('event' in happening) || happening.event !== name) return false;
          if (occurredAt <= after || occurredAt > now) return false;
          return where === undefined || evaluateCondition({ condition: where, attributes: happening.properties ?? {} });
        });
        return found.length >= atLeast;
      }
      case 'consent':
        return this.consents.some(
          ({ purpose, channel }) => purpose === question.purpose && channel === question.channel,
        );
      case 'outcome':
        return this.outcomes.get(question.step) === question.is;
    }
  }
}

function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((found, part) => (found as Record<string, unknown> | undefined)?.[part], value);
}
