import { HttpException, Injectable } from '@nestjs/common';
import { SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { Clock } from '../../platform/clock/clock.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { Admission, JourneyVersions, OutboxRepository, RunSignals, type PublishedJourney } from '../journeys/index.js';
import { BulkEnrolmentsRepository, type BulkRow } from './bulk-enrolments.repository.js';
import type { Refusal } from './bulk-refusals.repository.js';
import { PageMembers, type Member, type Members } from './page-members.js';

/** What became of one page. */
export type PageAnswer =
  /** `users` entered or were refused; `page` is the last one that is done, this one or a later one. */
  | { readonly kind: 'done'; readonly page: number; readonly users: number }
  | { readonly kind: 'wait'; readonly waitMs: DurationMs }
  | { readonly kind: 'paused' }
  /** Everybody was looked at, or nobody wants it any more. */
  | { readonly kind: 'over' };

/** More that is due than this, and what people do now would wait behind those who only enter. */
const DUE_MAX = 200;
const OUTBOX_WAIT_MS = 2 * SECOND_MS;
const JOURNEY_WAIT_MS = 30 * SECOND_MS;
/** What the admission says of a journey that is paused after the page began: nobody of it is to be lost. */
const JOURNEY_PAUSED = 'JOURNEY_PAUSED';

class PausedMeanwhile extends Error {}

/** Lets people in page by page. What a page did and how far it came are one transaction: done twice it is done once. */
@Injectable()
export class BulkPages {
  constructor(
    private readonly database: Database,
    private readonly enrolments: BulkEnrolmentsRepository,
    private readonly members: PageMembers,
    private readonly admission: Admission,
    private readonly versions: JourneyVersions,
    private readonly outbox: OutboxRepository,
    private readonly signals: RunSignals,
    private readonly clock: Clock,
  ) {}

  /**
   * Does one page, if it is the next one. Each user enters the version that is current now.
   *
   * @param page from 1
   */
  async run({ bulkId, page }: { readonly bulkId: string; readonly page: number }): Promise<PageAnswer> {
    const bulk = await this.enrolments.find(bulkId);
    if (bulk === null) return { kind: 'over' };
    const known = knownAnswer(bulk, page);
    if (known !== null) return known;
    const wait = await this.reasonToWait(bulk);
    if (wait !== null) return wait;
    const journey = await this.currentVersion(bulk.journeyKey);
    if (journey === null) return this.putOff(bulk, JOURNEY_PAUSED, OUTBOX_WAIT_MS);
    try {
      const next = await this.members.next(bulk, this.clock.now());
      const answer = await this.database.transaction((transaction) =>
        this.admit(transaction, { bulk, page, next, journey }),
      );
      this.signals.kick();
      return answer;
    } catch (error) {
      if (!(error instanceof PausedMeanwhile)) throw error;
      return this.putOff(bulk, JOURNEY_PAUSED, OUTBOX_WAIT_MS);
    }
  }

  private async reasonToWait(bulk: BulkRow): Promise<PageAnswer | null> {
    const { id, journeyStatus } = bulk;
    if (journeyStatus === 'paused') return this.putOff(bulk, JOURNEY_PAUSED, JOURNEY_WAIT_MS);
    if (journeyStatus !== 'published') {
      await this.enrolments.fail(id, 'JOURNEY_NOT_PUBLISHED');
      return { kind: 'over' };
    }
    const isFull = (await this.outbox.countDue(DUE_MAX + 1)) > DUE_MAX;
    return isFull ? this.putOff(bulk, 'OUTBOX_LONG', OUTBOX_WAIT_MS) : null;
  }

  private async putOff({ id }: BulkRow, waitsFor: string, waitMs: DurationMs): Promise<PageAnswer> {
    await this.enrolments.note(id, waitsFor);
    return { kind: 'wait', waitMs };
  }

  /** Null where it is not published any more: the next question finds out why. */
  private async currentVersion(journeyKey: string): Promise<PublishedJourney | null> {
    try {
      return await this.versions.current(journeyKey);
    } catch (error) {
      if (error instanceof HttpException && error.getStatus() < 500) return null;
      throw error;
    }
  }

  private async admit(
    transaction: Transaction,
    work: {
      readonly bulk: BulkRow;
      readonly page: number;
      readonly next: Members;
      readonly journey: PublishedJourney;
    },
  ): Promise<PageAnswer> {
    const { bulk, page, next, journey } = work;
    const row = await this.enrolments.lock(transaction, bulk.id);
    const known = knownAnswer(row, page);
    if (known !== null) return known;
    // All of them in one order, before anything that is locked behind a user.
    const living = await this.admission.lock(
      transaction,
      next.members.flatMap(({ userId }) => userId ?? []),
    );
    const refusals: Refusal[] = [];
    let [entered, alreadyIn] = [0, 0];
    for (const member of next.members) {
      const outcome = await this.admitOne(transaction, { bulk, journey, living }, member);
      if (outcome === 'entered') entered += 1;
      else if (outcome === 'already_in') alreadyIn += 1;
      else refusals.push(outcome);
    }
    const { lookedAt, afterUser, afterLine, isLast } = next;
    const counts = { lookedAt, entered, alreadyIn, refusals };
    await this.enrolments.finishPage(transaction, row, { id: bulk.id, page, afterUser, afterLine, ...counts, isLast });
    return isLast ? { kind: 'over' } : { kind: 'done', page, users: next.members.length };
  }

  private async admitOne(
    transaction: Transaction,
    {
      bulk: { id, source },
      journey,
      living,
    }: { readonly bulk: BulkRow; readonly journey: PublishedJourney; readonly living: ReadonlySet<string> },
    { line, userId, entryKey, startsAt }: Member,
  ): Promise<'entered' | 'already_in' | Refusal> {
    if (userId === null) return { line, userId, code: 'USER_UNKNOWN', detail: 'there is no such user' };
    const wish = {
      userId,
      journey,
      entryKey,
      source: `${source === 'schedule' ? 'schedule' : 'bulk'}:${id}`,
      clockDomain: 'real',
      urgency: 'bulk' as const,
      ...(startsAt === null ? {} : { startsAt }),
    };
    const entered = await this.admission.admitLocked(transaction, wish, living);
    if (entered.kind === 'entered') return entered.isNew ? 'entered' : 'already_in';
    const code: string = entered.code;
    if (code === JOURNEY_PAUSED) throw new PausedMeanwhile();
    return { line, userId, code, detail: entered.detail };
  }
}

/** What is to be said without doing anything; null where the page is to be done. */
function knownAnswer({ state, pagesDone }: BulkRow, page: number): PageAnswer | null {
  switch (state) {
    case 'done':
    case 'cancelled':
    case 'failed':
      return { kind: 'over' };
    case 'paused':
      return { kind: 'paused' };
    case 'receiving':
      return { kind: 'wait', waitMs: OUTBOX_WAIT_MS };
    case 'queued':
    case 'running':
      return pagesDone >= page ? { kind: 'done', page: pagesDone, users: 0 } : null;
  }
}
