import { createHash } from 'node:crypto';
import {
  HttpException,
  Injectable,
  Logger,
  NotFoundException,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { lookUpOf } from '../../../core/journeys/listening.js';
import { matchesOf } from '../../../core/journeys/matching.js';
import type { Plan } from '../../../core/journeys/plan.js';
import { HOUR_MS } from '../../../core/kernel/instant.js';
import { Database, type Transaction } from '../../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../../platform/http/paging.js';
import { JourneyVersions, type PublishedJourney } from '../definitions/journey-versions.js';
import { JourneysRepository } from '../definitions/journeys.repository.js';
import { Admission } from './admission.js';
import type { TriggerRefusalView } from './triggers.dto.js';
import { TriggersRepository, type TriggerRefusalRow, type TriggeredEntry } from './triggers.repository.js';

/** Keys that look like this tell runs apart as they are. */
const ENTRY_KEY = /^[A-Za-z0-9._-]{1,100}$/;

interface Refused {
  readonly code: string;
  readonly detail: string;
}

/** What the journey is for has happened, or what ends it: nobody is to hear of it any more. */
const ENDED_ALREADY: Refused = { code: 'ENDED_ALREADY', detail: 'an exit or goal event has followed already' };

type Opened = { readonly kind: 'open'; readonly journey: PublishedJourney } | ({ readonly kind: 'refused' } & Refused);

/** People who enter a journey because of what they did. */
@Injectable()
export class TriggersService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TriggersService.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly triggers: TriggersRepository,
    private readonly journeys: JourneysRepository,
    private readonly versions: JourneyVersions,
    private readonly admission: Admission,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.forgetOld(), HOUR_MS);
    this.timer.unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /**
   * Lets somebody in as a message of the outbox asks for, or notes why not. The message goes in the same transaction, so
   * that one which is delivered twice does nothing more.
   */
  async enter(id: string, entry: TriggeredEntry): Promise<void> {
    const opened = await this.open(entry.journeyKey);
    await this.database.transaction(async (transaction) => {
      if (!(await this.triggers.take(transaction, id))) return;
      const refusal = opened.kind === 'refused' ? opened : await this.admit(transaction, opened.journey, entry);
      if (refusal !== null) await this.triggers.noteRefusal(transaction, entry, refusal);
    });
  }

  /** @throws NotFoundException JOURNEY_UNKNOWN */
  async refusals(idOrKey: string, page: PageRequest): Promise<Page<TriggerRefusalView>> {
    const journey = await this.journeys.find(idOrKey);
    if (journey === null) {
      throw new NotFoundException({ code: 'JOURNEY_UNKNOWN', detail: 'there is no such journey' });
    }
    const rows = await this.triggers.refusals(journey.id, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toRefusalView);
  }

  private async admit(
    transaction: Transaction,
    journey: PublishedJourney,
    entry: TriggeredEntry,
  ): Promise<Refused | null> {
    const { userId, entryKey, clockDomain, eventName } = entry;
    // What is asked next may be on its way into the database still: under the lock it is there, or the run will hear it.
    const living = await this.admission.lock(transaction, [userId]);
    if (await this.hasEnded(transaction, journey.plan, entry)) return ENDED_ALREADY;
    const key = journey.entry.mode === 'parallel' && entryKey !== null ? toEntryKey(entryKey) : null;
    const wish = { userId, journey, entryKey: key, source: `event:${eventName}`, clockDomain };
    const entered = await this.admission.admitLocked(transaction, wish, living);
    return entered.kind === 'refused' ? entered : null;
  }

  /** Whether an event that ends a run came after the one that would begin it: both may have come in one batch. */
  private async hasEnded(transaction: Transaction, plan: Plan, entry: TriggeredEntry): Promise<boolean> {
    const { events: plain, listeners } = lookUpOf(plan, null);
    const names = [...new Set([...plain, ...listeners.map(({ event }) => event)])];
    if (names.length === 0) return false;
    const events = await this.triggers.eventsAfter(transaction, entry, names);
    return events.some((event) => plain.includes(event.name) || matchesOf(listeners, event).length > 0);
  }

  private async forgetOld(): Promise<void> {
    await this.triggers.forgetOld().catch((error: unknown) => {
      this.logger.warn('old refusals could not be taken away; the next hour tries again', { error });
    });
  }

  private async open(journeyKey: string): Promise<Opened> {
    try {
      return { kind: 'open', journey: await this.versions.current(journeyKey) };
    } catch (error) {
      if (!(error instanceof HttpException) || error.getStatus() >= 500) throw error;
      const { code = 'JOURNEY_UNKNOWN', detail = '' } = error.getResponse() as { code?: string; detail?: string };
      return { kind: 'refused', code, detail };
    }
  }
}

/** A key from an event may hold anything; runs are told apart by what it stands for. */
const toEntryKey = (text: string): string =>
  ENTRY_KEY.test(text) ? text : createHash('sha256').update(text).digest('hex');

const toRefusalView = ({
  id,
  userId,
  eventName,
  messageId,
  refusedAt,
  ...rest
}: TriggerRefusalRow): TriggerRefusalView => ({
  id,
  user_id: userId,
  event_name: eventName,
  message_id: messageId,
  code: rest.code,
  detail: rest.detail,
  refused_at: new Date(refusedAt).toISOString(),
});
