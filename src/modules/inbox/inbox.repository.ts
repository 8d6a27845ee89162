import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

export interface InboxItemRow {
  /** That of the delivery. */
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly link: string | null;
  readonly image: string | null;
  readonly unsubscribeUrl: string | null;
  readonly state: 'unread' | 'read' | 'dismissed';
  readonly createdAt: InstantMs;
  readonly expiresAt: InstantMs;
  readonly readAt: InstantMs | null;
  readonly clickedAt: InstantMs | null;
  readonly dismissedAt: InstantMs | null;
}

/** What a person does with an entry. */
export type InboxAct = 'read' | 'click' | 'dismiss';

const ROW = `id, title, body, link, image, unsubscribe_url as "unsubscribeUrl", state, created_at as "createdAt",
  expires_at as "expiresAt", read_at as "readAt", clicked_at as "clickedAt", dismissed_at as "dismissedAt"`;

/** What its owner sees. */
const SHOWN = `state <> 'dismissed' and expires_at > clock_timestamp()`;
const UNREAD = `state = 'unread' and expires_at > clock_timestamp()`;

/** Sets the instant of an act where it has none. */
const MARKS: Readonly<Record<InboxAct, { readonly column: string; readonly state: string }>> = {
  read: { column: 'read_at', state: `case state when 'unread' then 'read' else state end` },
  click: { column: 'clicked_at', state: 'state' },
  dismiss: { column: 'dismissed_at', state: `'dismissed'` },
};

/** Everything that is done with inbox_items once they are there; `InboxDeposits` puts them there. */
@Injectable()
export class InboxRepository {
  constructor(private readonly database: Database) {}

  /** Newest first. @param isWhole also what was dismissed and what has expired */
  list(userId: string, isWhole: boolean, page: PageRequest): Promise<readonly InboxItemRow[]> {
    return this.database.query<InboxItemRow>({
      name: isWhole ? 'inbox_list_whole' : 'inbox_list',
      text: `select ${ROW} from inbox_items where user_id = $1 and ($2::uuid is null or id < $2)
        ${isWhole ? '' : `and ${SHOWN}`} order by id desc limit $3`,
      values: [userId, page.after, page.limit],
    });
  }

  /** Unread entries, counted up to `max`. */
  async countUnread(userId: string, max: number): Promise<number> {
    const [row] = await this.database.query<{ count: number }>({
      name: 'inbox_count_unread',
      text: `select count(*)::int as count from (select from inbox_items where user_id = $1 and ${UNREAD} limit $2) unread`,
      values: [userId, max],
    });
    return row?.count ?? 0;
  }

  async unreadIds(userId: string, limit: number): Promise<readonly string[]> {
    const rows = await this.database.query<{ id: string }>({
      name: 'inbox_unread_ids',
      text: `select id from inbox_items where user_id = $1 and ${UNREAD} order by id desc limit $2`,
      values: [userId, limit],
    });
    return rows.map(({ id }) => id);
  }

  /** @returns null when the user has no such entry */
  async find(item: { readonly userId: string; readonly id: string }): Promise<InboxItemRow | null> {
    const [row] = await this.database.query<InboxItemRow>({
      name: 'inbox_find',
      text: `select ${ROW} from inbox_items where id = $1 and user_id = $2`,
      values: [item.id, item.userId],
    });
    return row ?? null;
  }

  /** @returns whether it is the first time; false too where the user has no such entry */
  async mark(
    transaction: Transaction,
    { userId, id, act }: { readonly userId: string; readonly id: string; readonly act: InboxAct },
  ): Promise<boolean> {
    const { column, state } = MARKS[act];
    const [row] = await transaction.query<{ isFirst: boolean }>({
      name: `inbox_mark_${act}`,
      text: `update inbox_items set ${column} = coalesce(${column}, clock_timestamp()), state = ${state}
        where id = $1 and user_id = $2 returning old.${column} is null as "isFirst"`,
      values: [id, userId],
    });
    return row?.isFirst ?? false;
  }

  /** Waits for whatever is being put there, so that nothing comes after it. */
  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({
      text: `select id from deliveries where user_id = $1 and channel = 'in_app' and state = 'sending' for update`,
      values: [userId],
    });
    await transaction.query({ text: 'delete from inbox_items where user_id = $1', values: [userId] });
  }

  /** @returns how many had expired before */
  async purge(before: InstantMs, limit: number): Promise<number> {
    const rows = await this.database.query({
      name: 'inbox_purge',
      text: `delete from inbox_items where id in (
          select id from inbox_items where expires_at < to_timestamp($1::float8 / 1000) limit $2) returning id`,
      values: [before, limit],
    });
    return rows.length;
  }
}
