import { createHash } from 'node:crypto';
import {
  BadRequestException,
  ConflictException,
  ForbiddenException,
  HttpException,
  Inject,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import { listenedEvents, type Plan } from '../../core/journeys/plan.js';
import type { RunReference } from '../../core/journeys/run-reference.js';
import { parseDuration } from '../../core/kernel/duration.js';
import { Database, violatedUnique, type Transaction } from '../../platform/database/database.js';
import { UsersService } from '../users/index.js';
import { EntriesRepository, type NewEntry } from './entries.repository.js';
import { JourneyVersions, type PublishedJourney } from './journey-versions.js';
import type { Enrolment, EnrolmentView } from './journeys.dto.js';
import { toRunView } from './journeys.mapper.js';
import { RunSignals } from './run-signals.js';
import { RunsRepository } from './runs.repository.js';

export const IS_VIRTUAL_TIME_ALLOWED = Symbol('IS_VIRTUAL_TIME_ALLOWED');

/** Journeys may start one another in a ring, but one that never waits for a day would go on for ever. */
const GENERATIONS_MAX = 20;

interface Wish {
  readonly userId: string;
  readonly enrolment: Enrolment;
  readonly journey: PublishedJourney;
}

type Place = { readonly kind: 'free'; readonly entryKey: string } | { readonly kind: 'taken'; readonly runKey: string };

/** Decides who may enter a journey. One row under the user's lock decides, however many ask at once. */
@Injectable()
export class EnrolmentService {
  constructor(
    private readonly database: Database,
    private readonly users: UsersService,
    private readonly entries: EntriesRepository,
    private readonly runs: RunsRepository,
    private readonly versions: JourneyVersions,
    private readonly signals: RunSignals,
    @Inject(IS_VIRTUAL_TIME_ALLOWED) private readonly isVirtualTimeAllowed: boolean,
  ) {}

  /**
   * Enrols a user in the current version of a published journey and starts the run.
   *
   * @throws NotFoundException when the user or the journey does not exist
   * @throws BadRequestException ENTRY_KEY_MISSING in `parallel` journeys
   * @throws ConflictException JOURNEY_NOT_PUBLISHED, COOL_DOWN (in `after_exit` journeys), VIRTUAL_RUN_ACTIVE
   * @throws ForbiddenException VIRTUAL_TIME_REFUSED in production
   */
  async enrol(userId: string, enrolment: Enrolment): Promise<EnrolmentView> {
    if (enrolment.clock_domain !== 'real' && !this.isVirtualTimeAllowed) {
      throw new ForbiddenException({ code: 'VIRTUAL_TIME_REFUSED', detail: 'virtual time is not for production' });
    }
    const journey = await this.versions.current(enrolment.journey);
    const entered = await this.database.transaction((transaction) =>
      this.enter(transaction, { userId, enrolment, journey, generation: 0 }),
    );
    this.signals.kick();
    const run = await this.runs.findByKey(entered.runKey);
    if (run === null) throw new Error(`run ${entered.runKey} has no projection`);
    return { ...toRunView(run), is_new: entered.isNew };
  }

  /**
   * Lets a run of one journey enrol its user in the current version of another one, in real time. Who is in it already
   * is left there.
   *
   * @param work runs in the transaction of the enrolment, before the user's lock is taken; answers false where nobody is
   *   to be enrolled any more
   * @returns false where that can never be: no such user or journey, none that is published, a cool-down, or a ring of
   *   journeys that start one another without a pause
   */
  async enrolByRun(
    wish: { readonly run: RunReference; readonly journey: string; readonly entryKey: string | null },
    work: (transaction: Transaction) => Promise<boolean>,
  ): Promise<boolean> {
    const { run } = wish;
    try {
      const journey = await this.versions.current(wish.journey);
      const enrolment: Enrolment = {
        journey: wish.journey,
        entry_key: wish.entryKey ?? entryKeyOf(run.runKey),
        source: `journey:${run.journeyKey}`,
        clock_domain: 'real',
      };
      await this.database.transaction(async (transaction) => {
        if (!(await work(transaction))) return;
        const generation = 1 + (await this.entries.generationOf(transaction, run.runKey));
        if (generation > GENERATIONS_MAX) throw new ConflictException({ code: 'TOO_MANY_GENERATIONS' });
        await this.enter(transaction, { userId: run.userId, enrolment, journey, generation });
      });
    } catch (error) {
      if (error instanceof HttpException && error.getStatus() < 500) return false;
      throw error;
    }
    this.signals.kick();
    return true;
  }

  private async enter(
    transaction: Transaction,
    wish: Wish & { readonly generation: number },
  ): Promise<{ runKey: string; isNew: boolean }> {
    const { userId, enrolment, journey, generation } = wish;
    const living = await this.users.lock(transaction, [userId]);
    if (!living.has(userId)) {
      throw new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user' });
    }
    const place = await this.placeFor(transaction, wish);
    if (place.kind === 'taken') return { runKey: place.runKey, isNew: false };
    const entry = toEntry({ userId, enrolment, journey, entryKey: place.entryKey, generation });
    try {
      await this.entries.insert(transaction, entry);
    } catch (error) {
      if (violatedUnique(error) !== 'journey_entries_virtual') throw error;
      const detail = 'this user already has a run in this clock domain';
      throw new ConflictException({ code: 'VIRTUAL_RUN_ACTIVE', detail }, { cause: error });
    }
    return { runKey: entry.runKey, isNew: true };
  }

  private async placeFor(transaction: Transaction, { userId, enrolment, journey }: Wish): Promise<Place> {
    const { mode } = journey.entry;
    if (mode === 'after_exit') return this.placeAfterExit(transaction, { userId, enrolment, journey });
    if (mode === 'parallel' && enrolment.entry_key === undefined) {
      const detail = 'a parallel journey needs an entry_key';
      const errors = [{ path: 'entry_key', message: 'is required in a parallel journey' }];
      throw new BadRequestException({ code: 'ENTRY_KEY_MISSING', detail, errors });
    }
    const entryKey = mode === 'once' ? 'once' : (enrolment.entry_key ?? 'once');
    const entry = toEntry({ userId, enrolment, journey, entryKey, generation: 0 });
    const runKey = await this.entries.findRunKey(transaction, entry);
    return runKey === null ? { kind: 'free', entryKey } : { kind: 'taken', runKey };
  }

  private async placeAfterExit(transaction: Transaction, { userId, enrolment, journey }: Wish): Promise<Place> {
    const last = await this.entries.last(transaction, journey.id, userId, enrolment.clock_domain);
    if (last === null) return { kind: 'free', entryKey: ordinal(1) };
    if (!last.hasEnded) return { kind: 'taken', runKey: last.runKey };
    const { cool_down: coolDown } = journey.entry;
    // A virtual end lies in the future of the real clock: there is nothing to compare it with.
    if (coolDown !== undefined && enrolment.clock_domain === 'real') {
      if ((last.endedForMs ?? 0) < (parseDuration(coolDown) ?? 0)) {
        const detail = `the user may enter again ${coolDown} after the last run ended`;
        throw new ConflictException({ code: 'COOL_DOWN', detail });
      }
    }
    return { kind: 'free', entryKey: ordinal(last.ordinals + 1) };
  }
}

/** Never equal to an entry key from outside, which holds no `~`. */
const ordinal = (n: number): string => `~${n}`;

/** Tells the runs that one run starts by itself from all others; a key from outside may look like this, but is none. */
const entryKeyOf = (runKey: string): string => createHash('sha256').update(runKey).digest('hex');

function toEntry(wish: Wish & { readonly entryKey: string; readonly generation: number }): NewEntry {
  const { userId, enrolment, journey, entryKey, generation } = wish;
  const plan: Plan = journey.plan;
  const domain = enrolment.clock_domain === 'real' ? '' : `@${enrolment.clock_domain}`;
  return {
    runKey: `${plan.journeyKey}:${userId}:${entryKey}${domain}`,
    journeyId: journey.id,
    journeyKey: plan.journeyKey,
    version: plan.version,
    userId,
    entryKey,
    clockDomain: enrolment.clock_domain,
    source: enrolment.source,
    conflict: journey.conflict,
    listensTo: listenedEvents(plan),
    generation,
  };
}
