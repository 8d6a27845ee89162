import { Injectable } from '@nestjs/common';
import { evaluateCondition } from '../../../core/audiences/evaluate-condition.js';
import { fullLimit, fullText, type FullLimit } from '../../../core/journeys/entry-limits.js';
import { entryRefusalOf, statusText, type EntryStatusRefusal } from '../../../core/journeys/journey-life.js';
import { listenedEvents } from '../../../core/journeys/plan.js';
import { assert } from '../../../core/kernel/assert.js';
import { parseDuration } from '../../../core/kernel/duration.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import type { Transaction } from '../../../platform/database/database.js';
import { attributesOf, UsersService } from '../../users/index.js';
import type { PublishedJourney } from '../definitions/journey-versions.js';
import { JourneyGatesRepository, type EntryGates } from '../life/journey-gates.repository.js';
import { EntriesRepository, type NewEntry } from './entries.repository.js';

/** Somebody is to enter a journey. */
export interface EntryWish {
  readonly userId: string;
  readonly journey: PublishedJourney;
  /** What tells parallel runs of one user apart; null: nothing does. */
  readonly entryKey: string | null;
  readonly source: string;
  readonly clockDomain: string;
  /** How many journeys started one another up to this entry, each within a day; left out: none did. */
  readonly generation?: number;
  /** When the run begins; left out: at once. The place in the journey is taken now, and events count from now. */
  readonly startsAt?: InstantMs;
  /** Bulk work goes behind what people have just done; left out: triggered. */
  readonly urgency?: 'triggered' | 'bulk';
}

type EntryRefusal =
  | EntryStatusRefusal
  | 'USER_UNKNOWN'
  | 'USER_ON_HOLD'
  | 'ENTRY_KEY_MISSING'
  | 'COOL_DOWN'
  | 'ENTRY_CONDITION'
  | 'ENTRY_LIMIT'
  | 'VIRTUAL_RUN_ACTIVE';

/** `isNew` is false where an earlier entry fills the place; its run is named. */
export type Entered =
  | { readonly kind: 'entered'; readonly runKey: string; readonly isNew: boolean }
  | {
      readonly kind: 'refused';
      readonly code: EntryRefusal;
      readonly detail: string;
      /** Which limit is reached, of ENTRY_LIMIT. */
      readonly limit?: FullLimit['limit'];
    };

type Place =
  | { readonly kind: 'free'; readonly entryKey: string }
  | { readonly kind: 'taken'; readonly runKey: string }
  | Extract<Entered, { kind: 'refused' }>;

/** How often an entry starts over because limits were put in force meanwhile, which happens to a version once. */
const TRIES_MAX = 5;

/** Decides who may enter a journey. One row under the user's lock decides, however many ask at once. */
@Injectable()
export class Admission {
  constructor(
    private readonly users: UsersService,
    private readonly entries: EntriesRepository,
    private readonly gates: JourneyGatesRepository,
  ) {}

  /**
   * Lets a user into the given version, or says why not. The run starts by the outbox once the transaction is committed
   * (`RunSignals.kick` hurries it).
   */
  async admit(transaction: Transaction, wish: EntryWish): Promise<Entered> {
    return this.admitLocked(transaction, wish, await this.lock(transaction, [wish.userId]));
  }

  /**
   * Takes the locks that an entry needs. An event of these users that is being stored is seen by later statements; one
   * that comes then waits for the commit, and finds the new run listening: none falls between the two. Who admits several
   * users in one transaction locks all of them first: where a journey limits its entries, the lock of its counter comes
   * after theirs and is kept, too.
   *
   * @returns who of them is known and not erased
   */
  lock(transaction: Transaction, userIds: readonly string[]): Promise<ReadonlySet<string>> {
    return this.users.lockAlone(transaction, userIds);
  }

  /** As `admit`. @param living what `lock` answered in this transaction, of this user and maybe others */
  async admitLocked(transaction: Transaction, wish: EntryWish, living: ReadonlySet<string>): Promise<Entered> {
    if (!living.has(wish.userId)) return refused('USER_UNKNOWN', 'there is no such user');
    const place = await this.placeFor(transaction, wish);
    if (place.kind === 'refused') return place;
    if (place.kind === 'taken') return { kind: 'entered', runKey: place.runKey, isNew: false };
    if (await this.hasVirtualRun(transaction, wish)) {
      return refused('VIRTUAL_RUN_ACTIVE', 'this user already has a run in this clock domain');
    }
    return this.enter(transaction, wish, toEntry(wish, place.entryKey));
  }

  private async enter(transaction: Transaction, wish: EntryWish, entry: NewEntry): Promise<Entered> {
    const { userId, journey, clockDomain } = wish;
    const withProfile = journey.entry.where !== undefined;
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      const gates = await this.gates.read(transaction, { journeyId: journey.id, userId, clockDomain, withProfile });
      const refusal = gateEntry(journey.entry, gates);
      if (refusal !== null) return refusal;
      const isCounted = gates.counted !== null;
      if (await this.entries.insert(transaction, entry, isCounted)) {
        return { kind: 'entered', runKey: entry.runKey, isNew: true };
      }
    }
    throw new Error(`the limits of ${journey.plan.journeyKey} came and went`);
  }

  private async placeFor(transaction: Transaction, wish: EntryWish): Promise<Place> {
    const { userId, journey, clockDomain } = wish;
    switch (journey.entry.mode) {
      case 'once': {
        // Ever: an entry of an earlier version counts whatever told it apart.
        const last = await this.entries.last(transaction, journey.id, userId, clockDomain);
        return last === null ? { kind: 'free', entryKey: ONCE } : { kind: 'taken', runKey: last.runKey };
      }
      case 'after_exit':
        return this.placeAfterExit(transaction, wish);
      case 'parallel': {
        const { entryKey } = wish;
        if (entryKey === null) return refused('ENTRY_KEY_MISSING', 'a parallel journey needs an entry_key');
        const place = { journeyId: journey.id, userId, entryKey, clockDomain };
        const runKey = await this.entries.findRunKey(transaction, place);
        return runKey === null ? { kind: 'free', entryKey } : { kind: 'taken', runKey };
      }
    }
  }

  private async placeAfterExit(transaction: Transaction, { userId, journey, clockDomain }: EntryWish): Promise<Place> {
    const last = await this.entries.last(transaction, journey.id, userId, clockDomain);
    if (last === null) return { kind: 'free', entryKey: ordinal(1) };
    if (!last.hasEnded) return { kind: 'taken', runKey: last.runKey };
    const { cool_down: coolDown } = journey.entry;
    // A virtual end lies in the future of the real clock: there is nothing to compare it with.
    if (coolDown !== undefined && clockDomain === 'real') {
      if ((last.endedForMs ?? 0) < (parseDuration(coolDown) ?? 0)) {
        return refused('COOL_DOWN', `the user may enter again ${coolDown} after the last run ended`);
      }
    }
    return { kind: 'free', entryKey: ordinal(last.ordinals + 1) };
  }

  /** Two runs of one user in one domain would have two clocks. The user's lock is held. */
  private async hasVirtualRun(transaction: Transaction, { userId, clockDomain }: EntryWish): Promise<boolean> {
    return clockDomain !== 'real' && (await this.entries.isAnyRunning(transaction, userId, clockDomain));
  }
}

/** What keeps a person out who has a free place; null where nothing does. */
function gateEntry(
  { where }: PublishedJourney['entry'],
  { now, status, isOnHold, profile, counted }: EntryGates,
): Extract<Entered, { kind: 'refused' }> | null {
  const closed = entryRefusalOf(status);
  if (closed !== null) return refused(closed, statusText(closed));
  if (isOnHold) return refused('USER_ON_HOLD', 'an operator keeps the user from being contacted');
  if (where !== undefined) {
    assert(profile !== null, 'a condition without the profile that it is asked of');
    const isMet = evaluateCondition({ condition: where, attributes: attributesOf(profile) });
    if (!isMet) return refused('ENTRY_CONDITION', 'the user does not meet the condition of entry');
  }
  const full = counted === null ? null : fullLimit({ limits: counted.limits, counter: counted, now });
  return full === null ? null : { ...refused('ENTRY_LIMIT', fullText(full)), limit: full.limit };
}

const refused = (code: EntryRefusal, detail: string): Extract<Entered, { kind: 'refused' }> => ({
  kind: 'refused',
  code,
  detail,
});

/** What `once` writes, so that a unique row stands behind it, too. */
const ONCE = 'once';

/** Never equal to an entry key from outside, which holds no `~`. */
const ordinal = (n: number): string => `~${n}`;

function toEntry(wish: EntryWish, entryKey: string): NewEntry {
  const { userId, journey, clockDomain, source, generation = 0, startsAt = null, urgency = 'triggered' } = wish;
  const { plan } = journey;
  const domain = clockDomain === 'real' ? '' : `@${clockDomain}`;
  return {
    runKey: `${plan.journeyKey}:${userId}:${entryKey}${domain}`,
    journeyId: journey.id,
    journeyKey: plan.journeyKey,
    version: plan.version,
    userId,
    entryKey,
    clockDomain,
    source,
    conflict: journey.conflict,
    listensTo: listenedEvents(plan),
    generation,
    startsAt,
    urgency,
  };
}
