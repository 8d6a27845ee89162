import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { evaluateCondition } from '../../core/audiences/evaluate-condition.js';
import { withArmsMet, type ArmMet } from '../../core/journeys/draw.js';
import {
  liveVirtually,
  type VirtualEnd,
  type VirtualEntry,
  type VirtualTurn,
} from '../../core/journeys/virtual-run.js';
import { DAY_MS, type InstantMs } from '../../core/kernel/instant.js';
import { assignmentFraction } from '../../core/kernel/stable-hash.js';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { TrialInputs, type Definitions, type Facts } from '../decisions/index.js';
import { attributesOf } from '../users/index.js';
import { compareResults } from './compare-results.js';
import { drawEvents, SimulatedEvents, type SimulatedEvent } from './simulated-events.js';
import { SimulatedUser, type Scene, type WorldObserver } from './simulated-user.js';
import { assumptionsOf } from './assumptions.js';
import {
  eventsAsked,
  plansOf,
  quietRulesOf,
  runKeyOf,
  splitsPeople,
  type SimulationOrder,
  type TriedVersion,
} from './simulation-order.js';
import type { SimulationResult } from './simulation-result.js';
import { SimulationSources } from './simulation-sources.repository.js';
import { SimulationTally } from './simulation-tally.js';

/** Requests of the same process wait no longer than this for a simulation to make room. */
const SLICE_MS = 8;
const USERS_READ_AT_ONCE = 200;
const PEOPLE_LOOKED_AT_AT_ONCE = 500;
const PROGRESS_EVERY_MS = 500;

/** How whoever ordered a simulation follows it. */
export interface SimulationControl {
  readonly isStopped: () => boolean;
  readonly progress: (usersDone: number, usersTotal: number) => Promise<void>;
}

/** One user as stored. */
interface ReadPerson {
  readonly facts: Facts;
  readonly user: NonNullable<Facts['user']>;
  readonly stored: readonly SimulatedEvent[];
  readonly armsMet: readonly ArmMet[];
}

/** One user with when they enter and what they do. */
interface Subject extends Omit<ReadPerson, 'stored'> {
  readonly entryAt: InstantMs;
  readonly events: SimulatedEvents;
}

interface Side {
  readonly tried: TriedVersion;
  readonly scene: Scene;
  readonly tally: SimulationTally;
}

/** Carries a simulation out: reads, and writes nothing. */
@Injectable()
export class SimulationRunner {
  constructor(
    private readonly sources: SimulationSources,
    private readonly inputs: TrialInputs,
    @Inject(CONFIG) private readonly config: Pick<Config, 'workspace'>,
  ) {}

  /** @returns null when it was stopped */
  async run(order: SimulationOrder, control: SimulationControl): Promise<SimulationResult | null> {
    const stopwatch = new Stopwatch();
    const slices = new Slices();
    const definitions = await this.inputs.definitions();
    const base = this.side(order, order.base, definitions);
    const other = order.other === null ? null : this.side(order, order.other, definitions);
    const sides = other === null ? [base] : [base, other];
    const ids = await this.choose(order, control, slices);
    let missing = order.subjects.kind === 'ids' ? order.subjects.unknown : 0;
    let toldAt = new Stopwatch();
    await control.progress(0, ids.length);
    for (let done = 0; done < ids.length; done += USERS_READ_AT_ONCE) {
      const batch = ids.slice(done, done + USERS_READ_AT_ONCE);
      const read = await this.read(order, batch, definitions);
      missing += batch.length - read.length;
      for (const person of read) {
        const subject = subjectOf(order, person);
        for (const side of sides) await this.live(order, side, subject, slices);
        if (control.isStopped()) return null;
      }
      if (toldAt.elapsedMs() < PROGRESS_EVERY_MS) continue;
      await control.progress(Math.min(ids.length, done + batch.length), ids.length);
      toldAt = new Stopwatch();
    }
    await control.progress(ids.length, ids.length);
    if (control.isStopped()) return null;
    const figures = base.tally.figures(missing);
    const shared = { duration_ms: Math.round(stopwatch.elapsedMs()), assumptions: [...assumptionsOf(order)] };
    if (other === null) return { ...figures, ...shared };
    const result = other.tally.figures(missing);
    const differences = compareResults({ figures, ways: base.tally.ways }, { figures: result, ways: other.tally.ways });
    return { ...figures, ...shared, comparison: { version: other.tried.version, differences, result } };
  }

  /** A version with the rules of now. */
  sceneOf(tried: TriedVersion, definitions: Definitions): Scene {
    return {
      plan: tried.plan,
      quietRules: quietRulesOf(tried),
      definitions,
      inputs: this.inputs,
      workspaceZone: this.config.workspace.timezone,
    };
  }

  /** Those of the users who exist, with their facts in one statement and, where any matter, their events and arms in others. */
  async read(
    order: SimulationOrder,
    userIds: readonly string[],
    definitions: Definitions,
  ): Promise<readonly ReadPerson[]> {
    const clockDomain = order.events.kind === 'history' ? order.events.clockDomain : 'real';
    const all = await this.inputs.facts(userIds, { clockDomain, now: order.from, definitions });
    const events = await this.eventsOf(order, userIds, clockDomain);
    const arms = await this.armsMet(order, userIds, clockDomain);
    return all.flatMap((facts): readonly ReadPerson[] => {
      const { user } = facts;
      if (user === null || user.isErased) return [];
      return [{ facts, user, stored: events.get(user.id) ?? [], armsMet: arms.get(user.id) ?? [] }];
    });
  }

  private async live(order: SimulationOrder, { tried, scene, tally }: Side, subject: Subject, slices: Slices) {
    tally.begin(subject.entryAt);
    const run = runOf(order, { tried, scene }, subject, tally);
    for (let step = run.next(); ; step = run.next()) {
      if (step.done === true) return tally.finish(step.value);
      tally.turned(step.value);
      if (slices.isOver()) await slices.rest();
    }
  }

  private side(order: SimulationOrder, tried: TriedVersion, definitions: Definitions): Side {
    const span = { from: order.from, until: untilOf(order) };
    const tally = new SimulationTally(span, Object.keys(tried.plan.steps));
    return { tried, scene: this.sceneOf(tried, definitions), tally };
  }

  /** In the order of their ids. */
  private async choose(
    { subjects, usersMax }: SimulationOrder,
    control: SimulationControl,
    slices: Slices,
  ): Promise<readonly string[]> {
    if (subjects.kind === 'ids') return [...new Set(subjects.ids)].sort().slice(0, usersMax);
    const { condition } = subjects;
    if (condition === null) return this.sources.peopleIds(usersMax);
    const chosen: string[] = [];
    let after: string | null = null;
    while (chosen.length < usersMax && !control.isStopped()) {
      const page = await this.sources.people(after, PEOPLE_LOOKED_AT_AT_ONCE);
      const meant = page.filter((person) => evaluateCondition({ condition, attributes: attributesOf(person) }));
      chosen.push(...meant.map(({ id }) => id));
      after = page.at(-1)?.id ?? null;
      if (page.length < PEOPLE_LOOKED_AT_AT_ONCE) break;
      if (slices.isOver()) await slices.rest();
    }
    return chosen.slice(0, usersMax);
  }

  private async eventsOf(
    { base, other, from, days, events }: SimulationOrder,
    userIds: readonly string[],
    clockDomain: string,
  ): Promise<ReadonlyMap<string, readonly SimulatedEvent[]>> {
    const { names, reachMs } = eventsAsked(plansOf({ base, other }));
    const isHistory = events.kind === 'history';
    if (names.length === 0 || (!isHistory && reachMs === 0)) return new Map();
    const until = isHistory ? from + days * DAY_MS : from;
    return this.sources.events(userIds, { names, after: from - reachMs, until, clockDomain });
  }

  /** What happened up to the beginning, as with contacts; later runs are those of the simulation alone. */
  private async armsMet(
    order: SimulationOrder,
    userIds: readonly string[],
    clockDomain: string,
  ): Promise<ReadonlyMap<string, readonly ArmMet[]>> {
    if (!plansOf(order).some(splitsPeople)) return new Map();
    const { journeyKey } = order.base.plan;
    return this.sources.armsMet(userIds, { journeyKey, clockDomain, until: order.from });
  }
}

/**
 * One run of one user, in the host that never waits.
 *
 * @param real what is known of the real run that is lived through again: its key, and when its host came to each turn
 */
export function runOf(
  order: SimulationOrder,
  { tried, scene }: { readonly tried: TriedVersion; readonly scene: Scene },
  { facts, user, entryAt, events, armsMet }: Subject,
  observer: WorldObserver,
  real: Pick<VirtualEntry, 'reachedAt'> & { readonly runKey?: string } = {},
): Generator<VirtualTurn, VirtualEnd, void> {
  const { runKey = runKeyOf(tried, user.id), ...late } = real;
  const unit = { userId: user.id, runKey };
  const known = { facts, user, events, unit, entryAt, contactsUntil: order.from };
  const entry: VirtualEntry = { entryAt, until: untilOf(order), unit, ...late };
  return liveVirtually(withArmsMet(tried.plan, armsMet), entry, new SimulatedUser(scene, known, observer));
}

const untilOf = ({ from, days }: SimulationOrder): InstantMs => from + days * DAY_MS;

/** The same for every version that is tried. */
export function subjectOf(order: SimulationOrder, { stored, ...person }: ReadPerson): Subject {
  const { from, days, seed, spreadDays, events } = order;
  const userId = person.user.id;
  const lateMs = Math.floor(assignmentFraction(`${seed}:entry`, userId) * spreadDays * DAY_MS);
  const drawn = events.kind === 'rates' ? drawEvents({ perDay: events.perDay, seed, userId, from, days }) : [];
  return { ...person, entryAt: from + lateMs, events: new SimulatedEvents([...stored, ...drawn]) };
}

/** Keeps the event loop free: work is done in slices, and others have their turn between two of them. */
class Slices {
  private current = new Stopwatch();

  isOver(): boolean {
    return this.current.elapsedMs() >= SLICE_MS;
  }

  async rest(): Promise<void> {
    await setImmediate();
    this.current = new Stopwatch();
  }
}
