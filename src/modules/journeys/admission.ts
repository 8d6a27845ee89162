import { Injectable } from '@nestjs/common';
import { listenedEvents } from '../../core/journeys/plan.js';
import { parseDuration } from '../../core/kernel/duration.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { Transaction } from '../../platform/database/database.js';
import { UsersService } from '../users/index.js';
import { EntriesRepository, type NewEntry } from './entries.repository.js';
import type { PublishedJourney } from './journey-versions.js';

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

export type EntryRefusal = 'USER_UNKNOWN' | 'ENTRY_KEY_MISSING' | 'COOL_DOWN' | 'VIRTUAL_RUN_ACTIVE';

/** `isNew` is false where an earlier entry fills the place; its run is named. */
export type Entered =
  | { readonly kind: 'entered'; readonly runKey: string; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly code: EntryRefusal; readonly detail: string };

type Place =
  | { readonly kind: 'free'; readonly entryKey: string }
  | { readonly kind: 'taken'; readonly runKey: string }
  | Extract<Entered, { kind: 'refused' }>;

/** Decides who may enter a journey. One row under the user's lock decides, however many ask at once. */
@Injectable()
export class Admission {
  constructor(
    private readonly users: UsersService,
    private readonly entries: EntriesRepository,
  ) {}

  /**
   * Lets a user into the given version, or says why not. The run starts by the outbox once the transaction is committed
   * (`RunSignals.kick` hurries it).
   */
  async admit(transaction: Transaction, wish: EntryWish): Promise<Entered> {
    const living = await this.users.lock(transaction, [wish.userId]);
    if (!living.has(wish.userId)) return refused('USER_UNKNOWN', 'there is no such user');
    const place = await this.placeFor(transaction, wish);
    if (place.kind === 'refused') return place;
    if (place.kind === 'taken') return { kind: 'entered', runKey: place.runKey, isNew: false };
    if (await this.hasVirtualRun(transaction, wish)) {
      return refused('VIRTUAL_RUN_ACTIVE', 'this user already has a run in this clock domain');
    }
    const entry = toEntry(wish, place.entryKey);
    await this.entries.insert(transaction, entry);
    return { kind: 'entered', runKey: entry.runKey, isNew: true };
  }

  private async placeFor(transaction: Transaction, wish: EntryWish): Promise<Place> {
    const { userId, journey, clockDomain } = wish;
    const { mode } = journey.entry;
    if (mode === 'after_exit') return this.placeAfterExit(transaction, wish);
    if (mode === 'parallel' && wish.entryKey === null) {
      return refused('ENTRY_KEY_MISSING', 'a parallel journey needs an entry_key');
    }
    const entryKey = mode === 'once' ? 'once' : (wish.entryKey ?? 'once');
    const place = { journeyId: journey.id, userId, entryKey, clockDomain };
    const runKey = await this.entries.findRunKey(transaction, place);
    return runKey === null ? { kind: 'free', entryKey } : { kind: 'taken', runKey };
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

const refused = (code: EntryRefusal, detail: string): Extract<Entered, { kind: 'refused' }> => ({
  kind: 'refused',
  code,
  detail,
});

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
