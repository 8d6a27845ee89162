import { checkEventCondition, checkProfileCondition } from './compile-conditions.js';
import { checkKey, checkText, durationOf, localMinuteOf } from './compile-checks.js';
import type { CompileContext } from './compile-context.js';
import type { Report } from './compile-faults.js';
import type { JourneyDefinition } from './definition.js';
import type { Plan, Watch } from './plan.js';

const EVENTS_MAX = 50;
const PRIORITY_MAX = 1_000;
const ENTRIES_MAX = 1_000_000_000;
const QUIET_MINUTES_MAX = 20 * 60;
const MINUTES_PER_DAY = 24 * 60;

type EventPattern = NonNullable<JourneyDefinition['exit']>['events'][number];

/** Checks everything about a journey but its steps. */
export function checkHead(definition: JourneyDefinition, context: CompileContext): void {
  const { report } = context;
  checkKey(definition.key, 'key', report);
  checkText(definition.name, 'name', report);
  if (definition.entry !== undefined) checkEntry(definition.entry, context);
  const { conflict } = definition;
  if (conflict !== undefined) {
    checkText(conflict.group, 'conflict.group', report);
    if (!Number.isInteger(conflict.priority) || Math.abs(conflict.priority) > PRIORITY_MAX) {
      report('conflict.priority', 'bad_conflict', `must be a whole number from -${PRIORITY_MAX} to ${PRIORITY_MAX}`);
    }
  }
  for (const [channel, window] of Object.entries(definition.quiet_hours ?? {})) {
    if (window !== undefined) checkQuietHours(window, `quiet_hours.${channel}`, report);
  }
}

function checkEntry(
  { mode, cool_down: coolDown, where, limits }: NonNullable<JourneyDefinition['entry']>,
  context: CompileContext,
): void {
  const { report } = context;
  if (coolDown !== undefined) {
    if (mode !== 'after_exit') {
      report('entry.cool_down', 'bad_cool_down', 'a cool-down belongs to the mode after_exit only');
    }
    durationOf(coolDown, 'entry.cool_down', report);
  }
  if (where !== undefined) checkProfileCondition(where, 'entry.where', context);
  if (limits === undefined) return;
  const set = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  if (set.length === 0) report('entry.limits', 'bad_entry_limits', 'name total, per_day or running');
  for (const [name, limit] of set) {
    if (Number.isInteger(limit) && limit >= 1 && limit <= ENTRIES_MAX) continue;
    report(`entry.limits.${name}`, 'bad_entry_limits', `must be a whole number from 1 to ${ENTRIES_MAX}`);
  }
}

/**
 * What ends a run wherever it is. Plain exit events stand alone, because they win over everything else; exits with a
 * condition come before goals.
 */
export function compileEndings(
  definition: JourneyDefinition,
  context: CompileContext,
): Pick<Plan, 'exitEvents' | 'watches'> {
  const { report } = context;
  const exits = definition.exit?.events ?? [];
  const goals = definition.goal?.events ?? [];
  if (exits.length > EVENTS_MAX) report('exit.events', 'bad_exit_events', `at most ${EVENTS_MAX} exit events`);
  if (goals.length > EVENTS_MAX) report('goal.events', 'bad_goal_events', `at most ${EVENTS_MAX} goals`);
  const exitEvents = new Set(exits.filter(isPlain).map(nameOf));
  const watches: Watch[] = [];
  for (const [index, pattern] of exits.entries()) {
    const path = `exit.events[${index}]`;
    checkPattern(pattern, path, context);
    const event = nameOf(pattern);
    if (exitEvents.has(event)) continue;
    const listener = listenerOf(pattern, path, context);
    watches.push({ event, listener, outcome: 'exited', reason: `exit_event:${event}` });
  }
  for (const [index, pattern] of goals.entries()) {
    const path = `goal.events[${index}]`;
    checkPattern(pattern, path, context);
    const event = nameOf(pattern);
    const listener = listenerOf(pattern, path, context);
    if (exitEvents.has(event)) report(path, 'bad_goal_events', 'every such event ends the run as an exit event');
    watches.push({ event, listener, outcome: 'completed', reason: `goal:${event}` });
  }
  return { exitEvents: [...exitEvents].sort(), ...(watches.length === 0 ? {} : { watches: unique(watches) }) };
}

const isPlain = (pattern: EventPattern): boolean => typeof pattern === 'string' || pattern.where === undefined;
const nameOf = (pattern: EventPattern): string => (typeof pattern === 'string' ? pattern : pattern.event);

function checkPattern(pattern: EventPattern, path: string, context: CompileContext): void {
  if (typeof pattern === 'string') return checkText(pattern, path, context.report);
  checkText(pattern.event, `${path}.event`, context.report);
  if (pattern.where !== undefined) checkEventCondition(pattern.where, `${path}.where`, context);
}

function listenerOf(pattern: EventPattern, path: string, context: CompileContext): number | null {
  if (typeof pattern === 'string' || pattern.where === undefined) return null;
  return context.listenerOf(pattern.event, pattern.where, `${path}.where`);
}

function unique(watches: readonly Watch[]): readonly Watch[] {
  const isSame = (one: Watch, other: Watch): boolean =>
    one.event === other.event && one.listener === other.listener && one.outcome === other.outcome;
  return watches.filter((watch, index) => watches.findIndex((other) => isSame(watch, other)) === index);
}

function checkQuietHours(window: { readonly start: string; readonly end: string }, path: string, report: Report): void {
  const start = localMinuteOf(window.start, `${path}.start`, report);
  const end = localMinuteOf(window.end, `${path}.end`, report);
  if (start === null || end === null) return;
  const length = (end - start + MINUTES_PER_DAY) % MINUTES_PER_DAY;
  if (length === 0 || length > QUIET_MINUTES_MAX) {
    report(path, 'bad_quiet_hours', 'quiet hours must last more than nothing and at most 20 hours');
  }
}
