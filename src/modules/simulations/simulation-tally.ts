import type { Act } from '../../core/journeys/plan.js';
import type { VirtualEnd, VirtualTurn } from '../../core/journeys/virtual-run.js';
import { assert } from '../../core/kernel/assert.js';
import { DAY_MS, type InstantMs } from '../../core/kernel/instant.js';
import { dateOfDay } from '../../core/kernel/local-date.js';
import type { SimulatedDecision, WorldObserver } from './simulated-user.js';
import { PATHS_SHOWN_MAX, type SimulationFigures } from './simulation-result.js';

const PATH_STEPS_MAX = 50;
/** Costs are sums of decimal fractions: what binary arithmetic adds at the far end is cut off. */
const COST_DIGITS = 1e6;

type Counts = Record<string, number>;
type Day = SimulationFigures['days'][number];
type StepCounts = SimulationFigures['steps'][string];

/** Where one run stands while it is counted. */
interface Way {
  readonly steps: string[];
  last: string | null;
}

/** Counts what simulated runs do. Memory grows with days, steps and different ways, hardly with users. */
export class SimulationTally implements WorldObserver {
  private users = 0;
  private decisions = 0;
  private sent = 0;
  private cost = 0;
  private readonly firstDay: number;
  private readonly days: Day[];
  private readonly steps: ReadonlyMap<string, StepCounts>;
  private readonly paths = new Map<string, number>();
  private readonly ends = new Map<string, SimulationFigures['ends'][number]>();
  private readonly caps = new Map<string, { refused: number; put_off: number }>();
  private readonly acts: Counts = {};
  private readonly goals: Counts = {};
  private way: Way = { steps: [], last: null };

  /** @param span.until inclusive */
  constructor(span: { readonly from: InstantMs; readonly until: InstantMs }, stepIds: readonly string[]) {
    this.firstDay = Math.floor(span.from / DAY_MS);
    const days = Math.floor(span.until / DAY_MS) - this.firstDay + 1;
    this.days = Array.from({ length: days }, (_, day) => ({
      date: dateOfDay(this.firstDay + day),
      entered: 0,
      sent: {},
      silences: {},
      put_off: {},
    }));
    this.steps = new Map(
      stepIds.map((id) => [id, { entered: 0, sent: 0, refused: {}, next: {}, ended: 0, unfinished: 0 }]),
    );
  }

  /** The next run begins; what is told from now on is about it. */
  begin(at: InstantMs): void {
    this.users += 1;
    this.dayAt(at).entered += 1;
    this.way = { steps: [], last: null };
  }

  turned({ entered }: VirtualTurn): void {
    const { way } = this;
    for (const id of entered) {
      this.step(id).entered += 1;
      if (way.last !== null) add(this.step(way.last).next, id);
      if (way.steps.length < PATH_STEPS_MAX) way.steps.push(id);
      way.last = id;
    }
  }

  decided({ stepId, at, outcome, reason, action, cost, capRules }: SimulatedDecision): void {
    this.decisions += 1;
    const day = this.dayAt(at);
    if (outcome === 'sent') {
      this.sent += 1;
      this.cost += cost;
      this.step(stepId).sent += 1;
      add((day.sent[stepId] ??= {}), action ?? '');
    } else if (reason !== null) {
      add(outcome === 'defer' ? day.put_off : day.silences, reason);
      if (outcome !== 'defer') add(this.step(stepId).refused, reason);
    }
    for (const rule of capRules) this.capped(rule)[outcome === 'defer' ? 'put_off' : 'refused'] += 1;
  }

  acted(_stepId: string, act: Act, isDone: boolean): void {
    if (!isDone) return;
    add(this.acts, act.kind);
    if (act.kind === 'reach_goal') add(this.goals, act.goal);
  }

  finish(end: VirtualEnd): void {
    const { outcome, reason } = end.kind === 'ended' ? end : { outcome: 'unfinished', reason: 'time_over' };
    this.step(end.stepId)[end.kind] += 1;
    const key = `${outcome} ${reason}`;
    const known = this.ends.get(key) ?? { outcome, reason, count: 0 };
    known.count += 1;
    this.ends.set(key, known);
    const path = this.way.steps.join(' ');
    this.paths.set(path, (this.paths.get(path) ?? 0) + 1);
  }

  /** How many runs took each way, also those that are not shown: steps with a space between them. */
  get ways(): ReadonlyMap<string, number> {
    return this.paths;
  }

  figures(usersMissing: number): SimulationFigures {
    return {
      users: this.users,
      users_missing: usersMissing,
      decisions: this.decisions,
      sent: this.sent,
      cost: Math.round(this.cost * COST_DIGITS) / COST_DIGITS,
      days: this.days,
      steps: Object.fromEntries(this.steps),
      paths: mostFrequent(this.paths).map(([path, count]) => ({ steps: path.split(' '), count })),
      ends: [...this.ends.values()].sort((left, right) => right.count - left.count || compareEnds(left, right)),
      caps: Object.fromEntries([...this.caps].sort(([left], [right]) => (left < right ? -1 : 1))),
      acts: this.acts,
      goals: this.goals,
    };
  }

  private dayAt(at: InstantMs): Day {
    const day = this.days[Math.floor(at / DAY_MS) - this.firstDay];
    assert(day !== undefined, `outside of the simulated days: ${at}`);
    return day;
  }

  private step(id: string): StepCounts {
    const step = this.steps.get(id);
    assert(step !== undefined, `no such step: ${id}`);
    return step;
  }

  private capped(rule: string): { refused: number; put_off: number } {
    const known = this.caps.get(rule) ?? { refused: 0, put_off: 0 };
    this.caps.set(rule, known);
    return known;
  }
}

function add(counts: Counts, key: string): void {
  counts[key] = (Object.hasOwn(counts, key) ? (counts[key] ?? 0) : 0) + 1;
}

function mostFrequent(paths: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  const byCount = ([leftPath, left]: readonly [string, number], [rightPath, right]: readonly [string, number]) =>
    right - left || (leftPath < rightPath ? -1 : 1);
  return [...paths].sort(byCount).slice(0, PATHS_SHOWN_MAX);
}

const compareEnds = (left: { readonly reason: string }, right: { readonly reason: string }): number =>
  left.reason < right.reason ? -1 : 1;
