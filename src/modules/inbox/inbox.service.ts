import { Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import type { OutcomeKind } from '../../core/fatigue/outcome.js';
import { DAY_MS, MINUTE_MS } from '../../core/kernel/instant.js';
import { Clock } from '../../platform/clock/clock.js';
import { Database } from '../../platform/database/database.js';
import { Retention } from '../../platform/database/retention.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { DeliveriesService } from '../deliveries/index.js';
import { OutcomesService } from '../outcomes/index.js';
import { UserHooks, UsersService, type UserReference } from '../users/index.js';
import { InboxTokens } from './inbox-tokens.js';
import type { InboxItemView, InboxTokenRequest, InboxTokenView, InboxView, ReadAllView } from './inbox.dto.js';
import { toInboxItemView } from './inbox.mapper.js';
import { InboxRepository, type InboxAct, type InboxItemRow } from './inbox.repository.js';

const UNREAD_COUNTED_MAX = 1_000;
/** Each is a transaction of its own. */
const READ_AT_ONCE_MAX = 200;
const KEPT_AFTER_EXPIRY_MS = 90 * DAY_MS;

const OUTCOME_OF: Readonly<Record<InboxAct, OutcomeKind>> = { read: 'opened', click: 'clicked', dismiss: 'dismissed' };

/** What people see of their inbox, and what they do with it. */
@Injectable()
export class InboxService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly items: InboxRepository,
    private readonly tokens: InboxTokens,
    private readonly users: UsersService,
    private readonly deliveries: DeliveriesService,
    private readonly outcomes: OutcomesService,
    private readonly hooks: UserHooks,
    private readonly retention: Retention,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.items.eraseUser(transaction, userId));
    this.retention.keep({
      forMs: KEPT_AFTER_EXPIRY_MS,
      purge: (before, limit) => this.items.purge(before, limit),
    });
  }

  /** @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED */
  async token(
    reference: UserReference,
    { valid_minutes }: InboxTokenRequest,
    principal: string,
  ): Promise<InboxTokenView> {
    const userId = await this.users.resolve(reference);
    const until = this.clock.now() + valid_minutes * MINUTE_MS;
    await this.database.transaction((transaction) =>
      this.audit.write(transaction, {
        principal,
        action: 'inbox_token.make',
        subject: userId,
        detail: { valid_minutes },
      }),
    );
    return { token: this.tokens.make(userId, until), expires_at: new Date(until).toISOString() };
  }

  /** Everything, also what was dismissed or has expired. @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED */
  async whole(reference: UserReference, page: PageRequest): Promise<Page<InboxItemView>> {
    const userId = await this.users.resolve(reference);
    return this.page(userId, true, page);
  }

  /** What is not dismissed and has not expired, newest first. */
  async list(userId: string, page: PageRequest): Promise<InboxView> {
    const { data, next_cursor } = await this.page(userId, false, page);
    return { data: [...data], next_cursor, unread_count: await this.items.countUnread(userId, UNREAD_COUNTED_MAX) };
  }

  /**
   * Notes what the owner does with an entry, and records it as an outcome of the message; the same again changes nothing.
   * Whoever follows the link of an entry has read it.
   *
   * @throws NotFoundException INBOX_ITEM_UNKNOWN, also for an entry of somebody else
   */
  async act(userId: string, id: string, act: InboxAct): Promise<InboxItemView> {
    const item = await this.items.find({ userId, id });
    if (item === null) throw unknownItem();
    if (act === 'click' && item.readAt === null) await this.record(userId, id, 'read');
    if (instantOf(item, act) === null) await this.record(userId, id, act);
    const after = await this.items.find({ userId, id });
    if (after === null) throw unknownItem();
    return toInboxItemView(after);
  }

  /** The newest 200 unread entries at a time. */
  async readAll(userId: string): Promise<ReadAllView> {
    const ids = await this.items.unreadIds(userId, READ_AT_ONCE_MAX);
    for (const id of ids) await this.record(userId, id, 'read');
    return { read_count: ids.length, unread_count: await this.items.countUnread(userId, UNREAD_COUNTED_MAX) };
  }

  private async record(userId: string, id: string, act: InboxAct): Promise<void> {
    const heard = { deliveryId: id, kind: OUTCOME_OF[act], at: null, detail: null };
    await this.outcomes.record(heard, async (transaction) => {
      if (!(await this.items.mark(transaction, { userId, id, act }))) return;
      const counted = { deliveryId: id, opens: act === 'read' ? 1 : 0, clicks: act === 'click' ? 1 : 0 };
      await this.deliveries.count(transaction, counted);
    });
  }

  private async page(userId: string, isWhole: boolean, page: PageRequest): Promise<Page<InboxItemView>> {
    const rows = await this.items.list(userId, isWhole, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toInboxItemView);
  }
}

function instantOf({ readAt, clickedAt, dismissedAt }: InboxItemRow, act: InboxAct): number | null {
  switch (act) {
    case 'read':
      return readAt;
    case 'click':
      return clickedAt;
    case 'dismiss':
      return dismissedAt;
  }
}

const unknownItem = (): NotFoundException =>
  new NotFoundException({ code: 'INBOX_ITEM_UNKNOWN', detail: 'the inbox has no such entry' });
