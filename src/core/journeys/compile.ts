import type { Condition } from '../audiences/condition.js';
import { parseDuration } from '../kernel/duration.js';
import type { JourneyDefinition, StepDefinition } from './definition.js';
import { endingSteps, exitsOf, reachableSteps, spinningSteps } from './plan-graph.js';
import type { Plan, Step } from './plan.js';

const STEPS_MAX = 200;
const ACTIONS_PER_STEP_MAX = 50;
const EXIT_EVENTS_MAX = 50;
const TEXT_LENGTH_MAX = 200;
const CONDITION_DEPTH_MAX = 20;
const CONDITION_NODES_MAX = 200;
const PRIORITY_MAX = 1_000;
const QUIET_MINUTES_MAX = 20 * 60;
const MINUTES_PER_DAY = 24 * 60;
const KEY_PATTERN = /^[a-z][a-z0-9_-]{0,63}$/;
const STEP_ID_PATTERN = /^[a-z][a-z0-9_]{0,63}$/;
const LOCAL_TIME_PATTERN = /^([01]\d|2[0-3]):([0-5]\d)$/;

type CompileFaultCode =
  | 'bad_key'
  | 'no_steps'
  | 'too_many_steps'
  | 'bad_id'
  | 'duplicate_id'
  | 'bad_duration'
  | 'bad_text'
  | 'bad_time'
  | 'bad_actions'
  | 'bad_condition'
  | 'bad_cool_down'
  | 'bad_exit_events'
  | 'bad_quiet_hours'
  | 'bad_conflict'
  | 'no_next'
  | 'unknown_step'
  | 'unreachable'
  | 'no_end'
  | 'spins';

/** What is wrong with a definition, and where: `path` is e.g. `steps[2].on_event`. */
export interface CompileFault {
  readonly path: string;
  readonly code: CompileFaultCode;
  readonly message: string;
}

/** The plan, or everything that is wrong with the definition. */
export type CompileResult =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'faults'; readonly faults: readonly CompileFault[] };

type Report = (path: string, code: CompileFaultCode, message: string) => void;

/**
 * Turns a definition of the right shape into the plan that runs carry, or says everything that is wrong with it.
 * What a plan promises: every target exists, every step can be reached, from every step an end can be reached, and no
 * cycle lets a run spin without waiting.
 *
 * @param identity the version's number (from 1) and the SHA-256 of the canonical definition, hex
 */
export function compile(
  definition: JourneyDefinition,
  identity: { readonly version: number; readonly contentHash: string },
): CompileResult {
  const faults: CompileFault[] = [];
  const report: Report = (path, code, message) => faults.push({ path, code, message });
  checkHead(definition, report);
  const steps = compileSteps(definition.steps, report);
  const start = definition.start ?? definition.steps[0]?.id ?? '';
  // A graph of broken steps would only repeat their faults in other words.
  if (faults.length === 0) checkGraph(steps, start, report);
  if (faults.length > 0) return { kind: 'faults', faults };
  const exitEvents = [...new Set(definition.exit?.events ?? [])].sort();
  return {
    kind: 'plan',
    plan: { journeyKey: definition.key, ...identity, start, steps: Object.fromEntries(steps), exitEvents },
  };
}

function checkHead(definition: JourneyDefinition, report: Report): void {
  if (!KEY_PATTERN.test(definition.key)) report('key', 'bad_key', `must match ${KEY_PATTERN.source}`);
  checkText(definition.name, 'name', report);
  const coolDown = definition.entry?.cool_down;
  if (coolDown !== undefined) {
    if (definition.entry?.mode !== 'after_exit') {
      report('entry.cool_down', 'bad_cool_down', 'a cool-down belongs to the mode after_exit only');
    }
    durationOf(coolDown, 'entry.cool_down', report);
  }
  const { conflict } = definition;
  if (conflict !== undefined) {
    checkText(conflict.group, 'conflict.group', report);
    if (!Number.isInteger(conflict.priority) || Math.abs(conflict.priority) > PRIORITY_MAX) {
      report('conflict.priority', 'bad_conflict', `must be a whole number from -${PRIORITY_MAX} to ${PRIORITY_MAX}`);
    }
  }
  const exitEvents = definition.exit?.events ?? [];
  if (exitEvents.length > EXIT_EVENTS_MAX) {
    report('exit.events', 'bad_exit_events', `at most ${EXIT_EVENTS_MAX} exit events`);
  }
  exitEvents.forEach((name, index) => checkText(name, `exit.events[${index}]`, report));
  for (const [channel, window] of Object.entries(definition.quiet_hours ?? {})) {
    if (window !== undefined) checkQuietHours(window, `quiet_hours.${channel}`, report);
  }
}

function checkQuietHours(window: { readonly start: string; readonly end: string }, path: string, report: Report): void {
  const minutes = (['start', 'end'] as const).map((edge) => {
    const parts = LOCAL_TIME_PATTERN.exec(window[edge]);
    if (parts === null) report(`${path}.${edge}`, 'bad_time', 'a local time is HH:MM from 00:00 to 23:59');
    return parts === null ? null : Number(parts[1]) * 60 + Number(parts[2]);
  });
  const [start, end] = minutes;
  if (typeof start !== 'number' || typeof end !== 'number') return;
  const length = (end - start + MINUTES_PER_DAY) % MINUTES_PER_DAY;
  if (length === 0 || length > QUIET_MINUTES_MAX) {
    report(path, 'bad_quiet_hours', 'quiet hours must last more than nothing and at most 20 hours');
  }
}

function compileSteps(definitions: readonly StepDefinition[], report: Report): ReadonlyMap<string, Step> {
  const steps = new Map<string, Step>();
  if (definitions.length === 0) report('steps', 'no_steps', 'a journey needs at least one step');
  if (definitions.length > STEPS_MAX) {
    report('steps', 'too_many_steps', `at most ${STEPS_MAX} steps`);
    return steps;
  }
  definitions.forEach((definition, index) => {
    const path = `steps[${index}]`;
    if (!STEP_ID_PATTERN.test(definition.id)) report(`${path}.id`, 'bad_id', `must match ${STEP_ID_PATTERN.source}`);
    if (steps.has(definition.id)) report(`${path}.id`, 'duplicate_id', `another step is called ${definition.id}`);
    steps.set(definition.id, compileStep(definition, definitions[index + 1]?.id, path, report));
  });
  return steps;
}

function compileStep(step: StepDefinition, following: string | undefined, path: string, report: Report): Step {
  const target = (name: string, id: string | undefined): string => {
    const chosen = id ?? following;
    if (chosen === undefined) report(`${path}.${name}`, 'no_next', 'no step follows in the list: name one');
    return chosen ?? '';
  };
  const { id } = step;
  switch (step.kind) {
    case 'message': {
      const { kind, channel, template } = step;
      checkText(template, `${path}.template`, report);
      const ttl = ttlOf(step, path, report);
      return {
        kind,
        id,
        channel,
        template,
        ...ttl,
        onRefusal: step.on_refusal ?? 'continue',
        next: target('next', step.next),
      };
    }
    case 'decide': {
      const { kind, actions } = step;
      checkActions(actions, `${path}.actions`, report);
      const ttl = ttlOf(step, path, report);
      return { kind, id, actions, ...ttl, onRefusal: step.on_refusal ?? 'continue', next: target('next', step.next) };
    }
    case 'wait': {
      const durationMs = durationOf(step.duration, `${path}.duration`, report);
      return { kind: step.kind, id, durationMs, next: target('next', step.next) };
    }
    case 'wait_for': {
      const { kind, event, since = 'step' } = step;
      checkText(event, `${path}.event`, report);
      const timeoutMs = durationOf(step.timeout, `${path}.timeout`, report);
      const onEvent = target('on_event', step.on_event);
      return { kind, id, event, timeoutMs, since, onEvent, onTimeout: target('on_timeout', step.on_timeout) };
    }
    case 'branch': {
      const { kind, condition } = step;
      checkCondition(condition, `${path}.condition`, report);
      return { kind, id, condition, then: target('then', step.then), otherwise: target('else', step.else) };
    }
    case 'end':
      checkText(step.reason, `${path}.reason`, report);
      return { kind: step.kind, id, reason: step.reason };
  }
}

function ttlOf(step: { readonly ttl?: string | undefined }, path: string, report: Report): { readonly ttlMs?: number } {
  return step.ttl === undefined ? {} : { ttlMs: durationOf(step.ttl, `${path}.ttl`, report) };
}

function durationOf(text: string, path: string, report: Report): number {
  const duration = parseDuration(text);
  if (duration === null) report(path, 'bad_duration', 'must be an ISO 8601 duration up to ten years, e.g. PT1H or P2D');
  return duration ?? 0;
}

function checkText(text: string, path: string, report: Report): void {
  // Names, events and reasons are shown in one line and put into search attributes.
  const isLine = text.trim() === text && text.length > 0 && !/\p{Cc}/u.test(text);
  if (!isLine || text.length > TEXT_LENGTH_MAX) {
    report(path, 'bad_text', `must be one line of 1 to ${TEXT_LENGTH_MAX} characters without space around it`);
  }
}

function checkActions(actions: readonly string[], path: string, report: Report): void {
  if (actions.length === 0 || actions.length > ACTIONS_PER_STEP_MAX) {
    report(path, 'bad_actions', `needs 1 to ${ACTIONS_PER_STEP_MAX} actions`);
  }
  if (new Set(actions).size !== actions.length) report(path, 'bad_actions', 'names an action twice');
}

function checkCondition(condition: Condition, path: string, report: Report): void {
  const open: { readonly node: Condition; readonly depth: number }[] = [{ node: condition, depth: 1 }];
  let nodes = 0;
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const { node, depth } = item;
    nodes += 1;
    if (depth > CONDITION_DEPTH_MAX || nodes > CONDITION_NODES_MAX) {
      const limits = `${CONDITION_DEPTH_MAX} levels and ${CONDITION_NODES_MAX} tests`;
      return report(path, 'bad_condition', `a condition has at most ${limits}`);
    }
    if (node.kind === 'all' || node.kind === 'any') open.push(...node.of.map((of) => ({ node: of, depth: depth + 1 })));
    if (node.kind === 'not') open.push({ node: node.of, depth: depth + 1 });
  }
}

function checkGraph(steps: ReadonlyMap<string, Step>, start: string, report: Report): void {
  if (!steps.has(start)) return report('start', 'unknown_step', `there is no step ${start}`);
  const at = new Map([...steps.keys()].map((id, index) => [id, `steps[${index}]`]));
  const pathOf = (id: string): string => at.get(id) ?? 'steps';
  let areTargetsKnown = true;
  for (const step of steps.values()) {
    for (const [field, target] of Object.entries(exitsOf(step))) {
      if (steps.has(target)) continue;
      areTargetsKnown = false;
      report(`${pathOf(step.id)}.${field}`, 'unknown_step', `there is no step ${target}`);
    }
  }
  if (!areTargetsKnown) return;
  const reachable = reachableSteps(steps, start);
  const ending = endingSteps(steps);
  for (const id of steps.keys()) {
    if (!reachable.has(id)) report(pathOf(id), 'unreachable', `no run can come to ${id}`);
    else if (!ending.has(id)) report(pathOf(id), 'no_end', `from ${id} no end can be reached`);
  }
  for (const id of spinningSteps(steps)) {
    report(pathOf(id), 'spins', `${id} is on a cycle in which nothing makes a run wait`);
  }
}
