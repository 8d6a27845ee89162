import {
  BadRequestException,
  ConflictException,
  ForbiddenException,
  Inject,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import { listenedEvents, type Plan } from '../../core/journeys/plan.js';
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
      this.enter(transaction, { userId, enrolment, journey }),
    );
    this.signals.kick();
    const run = await this.runs.findByKey(entered.runKey);
    if (run === null) throw new Error(`run ${entered.runKey} has no projection`);
    return { ...toRunView(run), is_new: entered.isNew };
  }

  private async enter(
    transaction: Transaction,
    wish: { userId: string; enrolment: Enrolment; journey: PublishedJourney },
  ): Promise<{ runKey: string; isNew: boolean }> {
    const { userId, enrolment, journey } = wish;
    const living = await this.users.lock(transaction, [userId]);
    if (!living.has(userId)) {
      throw new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user' });
    }
    const place = await this.placeFor(transaction, wish);
    if (place.kind === 'taken') return { runKey: place.runKey, isNew: false };
    const entry = toEntry({ userId, enrolment, journey, entryKey: place.entryKey });
    try {
      await this.entries.insert(transaction, entry);
    } catch (error) {
      if (violatedUnique(error) !== 'journey_entries_virtual') throw error;
      const detail = 'this user already has a run in this clock domain';
      throw new ConflictException({ code: 'VIRTUAL_RUN_ACTIVE', detail }, { cause: error });
    }
    return { runKey: entry.runKey, isNew: true };
  }

  private async placeFor(
    transaction: Transaction,
    { userId, enrolment, journey }: { userId: string; enrolment: Enrolment; journey: PublishedJourney },
  ): Promise<Place> {
    const { mode } = journey.entry;
    if (mode === 'after_exit') return this.placeAfterExit(transaction, { userId, enrolment, journey });
    if (mode === 'parallel' && enrolment.entry_key === undefined) {
      const detail = 'a parallel journey needs an entry_key';
      const errors = [{ path: 'entry_key', message: 'is required in a parallel journey' }];
      throw new BadRequestException({ code: 'ENTRY_KEY_MISSING', detail, errors });
    }
    const entryKey = mode === 'once' ? 'once' : (enrolment.entry_key ?? 'once');
    const entry = toEntry({ userId, enrolment, journey, entryKey });
    const runKey = await this.entries.findRunKey(transaction, entry);
    return runKey === null ? { kind: 'free', entryKey } : { kind: 'taken', runKey };
  }

  private async placeAfterExit(
    transaction: Transaction,
    { userId, enrolment, journey }: { userId: string; enrolment: Enrolment; journey: PublishedJourney },
  ): Promise<Place> {
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

function toEntry(wish: {
  userId: string;
  enrolment: Enrolment;
  journey: PublishedJourney;
  entryKey: string;
}): NewEntry {
  const { userId, enrolment, journey, entryKey } = wish;
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
  };
}
