import { Injectable } from '@nestjs/common';
import type { Condition } from '../../core/audiences/condition.js';
import type { DurationMs, InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import { BulkRefusalsRepository, type Refusal } from './bulk-refusals.repository.js';

export type BulkState = 'receiving' | 'queued' | 'running' | 'paused' | 'done' | 'cancelled' | 'failed';

export interface BulkRow {
  readonly id: string;
  readonly journeyId: string;
  readonly journeyKey: string;
  readonly journeyStatus: string;
  readonly source: 'filter' | 'ids' | 'file' | 'schedule';
  readonly condition: Condition | null;
  readonly perSecond: number;
  readonly spreadMs: DurationMs;
  readonly entryKey: string | null;
  readonly startAt: InstantMs | null;
  readonly localMinute: number | null;
  /** `YYYY-MM-DD`. */
  readonly localDate: string | null;
  readonly state: BulkState;
  readonly waitsFor: string | null;
  readonly fault: string | null;
  readonly afterUser: string | null;
  readonly lastUser: string | null;
  readonly afterLine: number;
  readonly pagesDone: number;
  readonly usersTotal: number;
  readonly lookedAt: number;
  readonly entered: number;
  readonly alreadyIn: number;
  readonly refused: number;
  readonly refusedBy: Readonly<Record<string, number>>;
  readonly commands: number;
  readonly createdBy: string;
  readonly createdAt: InstantMs;
  readonly startedAt: InstantMs | null;
  readonly finishedAt: InstantMs | null;
  readonly updatedAt: InstantMs;
}

export type NewBulk = Pick<
  BulkRow,
  | 'id'
  | 'journeyId'
  | 'source'
  | 'condition'
  | 'perSecond'
  | 'spreadMs'
  | 'entryKey'
  | 'startAt'
  | 'localMinute'
  | 'localDate'
  | 'createdBy'
> & {
  readonly state: 'receiving' | 'queued';
  /** A second enrolment of the journey for the same cause is none; null: whoever asks twice means it. */
  readonly cause: string | null;
};

export interface Item {
  readonly line: number;
  readonly userId: string | null;
  readonly entryKey: string | null;
}

/** What one page did. */
export interface PageDone {
  readonly id: string;
  readonly page: number;
  readonly afterUser: string | null;
  readonly afterLine: number;
  readonly lookedAt: number;
  readonly entered: number;
  readonly alreadyIn: number;
  readonly refusals: readonly Refusal[];
  readonly isLast: boolean;
}

/** An enrolment whose workflow is to be started, or told what was commanded. */
export interface Untold {
  readonly id: string;
  readonly journeyKey: string;
  readonly state: BulkState;
  readonly perSecond: number;
  readonly commands: number;
}

const TELL_AGAIN_SECONDS = 20;
/** A working enrolment notes something at least every minute; longer silence means that nobody carries it. */
const SILENT_MINUTES = 5;
/** A file that comes does so within the time-out of the whole server. */
const RECEIVING_MINUTES = 15;
const OPEN = `('receiving', 'queued', 'running', 'paused')`;

const ROW = `bulk.id, bulk.journey_id as "journeyId", journey.key as "journeyKey", journey.status as "journeyStatus",
  bulk.source, bulk.condition, bulk.per_second as "perSecond", bulk.spread_ms as "spreadMs",
  bulk.entry_key as "entryKey", bulk.start_at as "startAt", bulk.local_minute as "localMinute",
  bulk.local_date::text as "localDate", bulk.state, bulk.waits_for as "waitsFor", bulk.fault,
  bulk.after_user as "afterUser", bulk.last_user as "lastUser", bulk.after_line as "afterLine",
  bulk.pages_done as "pagesDone", bulk.users_total as "usersTotal", bulk.looked_at as "lookedAt", bulk.entered,
  bulk.already_in as "alreadyIn", bulk.refused, bulk.refused_by as "refusedBy", bulk.commands,
  bulk.created_by as "createdBy", bulk.created_at as "createdAt", bulk.started_at as "startedAt",
  bulk.finished_at as "finishedAt", bulk.updated_at as "updatedAt"`;
const FROM = 'from bulk_enrolments bulk join journeys journey on journey.id = bulk.journey_id';

/** The only writer of bulk_enrolments and their items. */
@Injectable()
export class BulkEnrolmentsRepository {
  constructor(
    private readonly database: Database,
    private readonly refusals: BulkRefusalsRepository,
  ) {}

  async journey(idOrKey: string): Promise<{ readonly id: string; readonly key: string } | null> {
    const [row] = await this.database.query<{ id: string; key: string }>({
      text: 'select id, key from journeys where id::text = $1 or key = $1',
      values: [idOrKey],
    });
    return row ?? null;
  }

  /**
   * Users are counted, and the last of them noted, in the moment of the insert: who is made later is not in it.
   *
   * @returns false where there is one for the same cause
   */
  async insert(transaction: Transaction, bulk: NewBulk): Promise<boolean> {
    const rows = await transaction.query({
      text: `insert into bulk_enrolments (id, journey_id, source, condition, per_second, spread_ms, entry_key, start_at,
          local_minute, local_date, cause, state, created_by, last_user, users_total)
        select $1, $2, $3, $4, $5, $6, $7, to_timestamp($8::float8 / 1000), $9, $10, $11, $12, $13, known.last,
          known.total
        from (select (select id from users where $4::jsonb is not null order by id desc limit 1) as last,
          (select count(*)::int from users where $4::jsonb is not null and erased_at is null) as total) known
        on conflict (journey_id, cause) do nothing returning id`,
      values: [
        bulk.id,
        bulk.journeyId,
        bulk.source,
        bulk.condition === null ? null : JSON.stringify(bulk.condition),
        bulk.perSecond,
        bulk.spreadMs,
        bulk.entryKey,
        bulk.startAt,
        bulk.localMinute,
        bulk.localDate,
        bulk.cause,
        bulk.state,
        bulk.createdBy,
      ],
    });
    return rows.length > 0;
  }

  /** Adds items, and what is wrong with lines that are none; both count as users of the enrolment. */
  async addItems(
    transaction: Transaction,
    id: string,
    items: readonly Item[],
    faults: readonly Refusal[],
  ): Promise<void> {
    await transaction.query({
      name: 'bulk_enrolments_add_items',
      text: `insert into bulk_enrolment_items (bulk_id, line, user_id, entry_key)
        select $1, line, user_id, entry_key from unnest($2::int[], $3::uuid[], $4::text[]) as item (line, user_id, entry_key)`,
      values: [
        id,
        items.map(({ line }) => line),
        items.map(({ userId }) => userId),
        items.map((item) => item.entryKey),
      ],
    });
    await this.refusals.add(transaction, id, faults);
    const { refusedBy } = await this.get(transaction, id);
    await transaction.query({
      name: 'bulk_enrolments_count_items',
      text: `update bulk_enrolments set users_total = users_total + $2, looked_at = looked_at + $3,
          refused = refused + $3, refused_by = $4, updated_at = clock_timestamp() where id = $1`,
      values: [id, items.length + faults.length, faults.length, JSON.stringify(addCounts(refusedBy, faults))],
    });
  }

  /** Everything has been received; only now anybody enters. */
  async release(transaction: Transaction, id: string): Promise<void> {
    await transaction.query({
      text: `update bulk_enrolments set state = 'queued', tell_at = clock_timestamp(), updated_at = clock_timestamp()
        where id = $1 and state = 'receiving'`,
      values: [id],
    });
  }

  async find(id: string, queryable: Queryable = this.database): Promise<BulkRow | null> {
    const [row] = await queryable.query<BulkRow>({
      name: 'bulk_enrolments_find',
      text: `select ${ROW} ${FROM} where bulk.id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  /** As it is under its lock: from here on nobody else changes it. */
  async lock(transaction: Transaction, id: string): Promise<BulkRow> {
    await transaction.query({
      name: 'bulk_enrolments_lock',
      text: 'select id from bulk_enrolments where id = $1 for update',
      values: [id],
    });
    return this.get(transaction, id);
  }

  /** Newest first. */
  list(journeyId: string, page: PageRequest): Promise<readonly BulkRow[]> {
    return this.database.query<BulkRow>({
      text: `select ${ROW} ${FROM} where bulk.journey_id = $1 and ($2::uuid is null or bulk.id < $2)
        order by bulk.id desc limit $3`,
      values: [journeyId, page.after, page.limit],
    });
  }

  /** The next items by line. */
  items(id: string, afterLine: number, limit: number): Promise<readonly Item[]> {
    return this.database.query<Item>({
      name: 'bulk_enrolments_items',
      text: `select line, user_id as "userId", entry_key as "entryKey" from bulk_enrolment_items
        where bulk_id = $1 and line > $2 order by line limit $3`,
      values: [id, afterLine, limit],
    });
  }

  /** Says why nobody enters at the moment. */
  async note(id: string, waitsFor: string): Promise<void> {
    await this.database.query({
      name: 'bulk_enrolments_note',
      text: `update bulk_enrolments set waits_for = $2, updated_at = clock_timestamp()
        where id = $1 and state in ('queued', 'running')`,
      values: [id, waitsFor],
    });
  }

  /** Ends it where the journey lets nobody in any more. */
  async fail(id: string, fault: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      await this.lock(transaction, id);
      await transaction.query({
        text: `update bulk_enrolments set state = 'failed', fault = $2, waits_for = null, finished_at = clock_timestamp(),
            updated_at = clock_timestamp()
          where id = $1 and state in ${OPEN}`,
        values: [id, fault],
      });
      await this.dropItems(transaction, id);
    });
  }

  /** Notes a page in the transaction of its entries; `row` is the enrolment under its lock. */
  async finishPage(transaction: Transaction, row: BulkRow, done: PageDone): Promise<void> {
    await this.refusals.add(transaction, done.id, done.refusals);
    await transaction.query({
      name: 'bulk_enrolments_finish_page',
      text: `update bulk_enrolments set pages_done = $2, after_user = coalesce($3, after_user), after_line = $4,
          looked_at = looked_at + $5, entered = entered + $6, already_in = already_in + $7, refused = refused + $8,
          refused_by = $9, waits_for = null, started_at = coalesce(started_at, clock_timestamp()),
          state = case when $10 then 'done' else 'running' end,
          users_total = case when $10 then looked_at + $5 else users_total end,
          finished_at = case when $10 then clock_timestamp() end, updated_at = clock_timestamp()
        where id = $1`,
      values: [
        done.id,
        done.page,
        done.afterUser,
        done.afterLine,
        done.lookedAt,
        done.entered,
        done.alreadyIn,
        done.refusals.length,
        JSON.stringify(addCounts(row.refusedBy, done.refusals)),
        done.isLast,
      ],
    });
    if (done.isLast) await this.dropItems(transaction, done.id);
  }

  /** Sets what was commanded, under the lock: no page after it is of another mind. */
  async command(transaction: Transaction, id: string, state: 'paused' | 'running' | 'cancelled'): Promise<void> {
    await transaction.query({
      text: `update bulk_enrolments set state = case when $2 = 'running' and started_at is null then 'queued' else $2 end,
          waits_for = null, commands = commands + 1,
          tell_at = clock_timestamp() + interval '${TELL_AGAIN_SECONDS} seconds',
          finished_at = case when $2 = 'cancelled' then clock_timestamp() end, updated_at = clock_timestamp()
        where id = $1`,
      values: [id, state],
    });
    if (state === 'cancelled') await this.dropItems(transaction, id);
  }

  /** Takes enrolments whose workflow does not know yet, or of which nothing was heard for long. */
  leaseUntold(limit: number): Promise<readonly Untold[]> {
    return this.database.query<Untold>({
      name: 'bulk_enrolments_lease_untold',
      text: `update bulk_enrolments bulk set tell_at = clock_timestamp() + interval '${TELL_AGAIN_SECONDS} seconds'
        from journeys journey
        where journey.id = bulk.journey_id and bulk.id in (
          select id from bulk_enrolments
          where (state in ('receiving', 'queued', 'running') or told < commands) and tell_at <= clock_timestamp()
            and state <> 'receiving'
            and (told < commands or updated_at < clock_timestamp() - interval '${SILENT_MINUTES} minutes')
          order by tell_at limit $1 for update skip locked)
        returning bulk.id, journey.key as "journeyKey", bulk.state, bulk.per_second as "perSecond", bulk.commands`,
      values: [limit],
    });
  }

  async noteTold(id: string, commands: number): Promise<void> {
    await this.database.query({
      name: 'bulk_enrolments_note_told',
      text: 'update bulk_enrolments set told = greatest(told, $2) where id = $1',
      values: [id, commands],
    });
  }

  /** Files that broke off with the process that read them. */
  async failUnreceived(): Promise<void> {
    await this.database.query({
      name: 'bulk_enrolments_fail_unreceived',
      text: `with broken as (
          update bulk_enrolments set state = 'failed', fault = 'FILE_INCOMPLETE', finished_at = clock_timestamp(),
            told = commands
          where state = 'receiving' and updated_at < clock_timestamp() - interval '${RECEIVING_MINUTES} minutes'
          returning id
        )
        delete from bulk_enrolment_items where bulk_id in (select id from broken)`,
    });
  }

  /** What tells an order apart may tell who ordered; the user's entry is refused by itself. */
  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({
      text: 'update bulk_enrolment_items set entry_key = null where user_id = $1 and entry_key is not null',
      values: [userId],
    });
  }

  private async get(queryable: Queryable, id: string): Promise<BulkRow> {
    const row = await this.find(id, queryable);
    if (row === null) throw new Error(`there is no bulk enrolment ${id}`);
    return row;
  }

  private async dropItems(transaction: Transaction, id: string): Promise<void> {
    await transaction.query({ text: 'delete from bulk_enrolment_items where bulk_id = $1', values: [id] });
  }
}

function addCounts(
  before: Readonly<Record<string, number>>,
  refusals: readonly Refusal[],
): Readonly<Record<string, number>> {
  const counts = new Map(Object.entries(before));
  for (const { code } of refusals) counts.set(code, (counts.get(code) ?? 0) + 1);
  return Object.fromEntries(counts);
}
