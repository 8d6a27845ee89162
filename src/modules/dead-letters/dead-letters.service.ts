import { ConflictException, Inject, Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { Retention } from '../../platform/database/retention.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { SendingHooks } from '../sending-domains/index.js';
import { StepsService } from '../steps/index.js';
import { UserHooks } from '../users/index.js';
import { BulksRepository } from './bulks.repository.js';
import { BLOCKERS, type DeadLetterFilter, type DeadLetterRow } from './dead-letter-rows.js';
import type {
  BulkReplayView,
  DeadLetterDetailView,
  DeadLetterSummaryView,
  DeadLetterView,
  ReplayView,
} from './dead-letters.dto.js';
import { toBulkView, toDeadLetterView, toReplayView, toSummaryView } from './dead-letters.mapper.js';
import { DeadLettersRepository } from './dead-letters.repository.js';
import { ReplaysRepository, type ReplayOrder } from './replays.repository.js';

const GROUPS_MAX = 500;
const REPLAYS_SHOWN_MAX = 50;

/** Messages that nobody sends any more although their provider did not take them, and their replays. */
@Injectable()
export class DeadLettersService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly deadLetters: DeadLettersRepository,
    private readonly replays: ReplaysRepository,
    private readonly bulks: BulksRepository,
    private readonly steps: StepsService,
    private readonly audit: AuditLog,
    private readonly hooks: UserHooks,
    private readonly sending: SendingHooks,
    private readonly retention: Retention,
    @Inject(CONFIG) private readonly config: Pick<Config, 'logs'>,
  ) {}

  onModuleInit(): void {
    const { keptMs } = this.config.logs;
    this.hooks.onErase((transaction, { userId }) => this.replays.eraseUser(transaction, userId));
    this.sending.onResume((transaction) => this.replays.wake(transaction, 'SENDING_PAUSED'));
    this.retention.keep({ forMs: keptMs, purge: (before, limit) => this.replays.purge(before, limit) });
    this.retention.keep({ forMs: keptMs, purge: (before, limit) => this.bulks.purge(before, limit) });
  }

  async list(filter: DeadLetterFilter, page: PageRequest): Promise<Page<DeadLetterView>> {
    const rows = await this.deadLetters.list(filter, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toDeadLetterView);
  }

  async summary(filter: DeadLetterFilter): Promise<DeadLetterSummaryView> {
    return toSummaryView(await this.deadLetters.count(filter, GROUPS_MAX + 1), GROUPS_MAX);
  }

  /** @throws NotFoundException DEAD_LETTER_UNKNOWN */
  async find(id: string): Promise<DeadLetterDetailView> {
    const row = found(await this.deadLetters.find(id));
    const replays = await this.replays.of(id, REPLAYS_SHOWN_MAX);
    return { ...toDeadLetterView(row), replays: replays.map(toReplayView) };
  }

  /**
   * Orders a replay: the worker asks the step again, and sends the message if all gates let it.
   *
   * @throws NotFoundException DEAD_LETTER_UNKNOWN; ConflictException with a code of `BLOCKERS`
   */
  async replay(id: string, order: Omit<ReplayOrder, 'bulkId'>): Promise<ReplayView> {
    const replay = await this.database.transaction(async (transaction) => {
      const row = found(await this.deadLetters.find(id, transaction));
      if (row.blocker !== null) throw blocked(row.blocker);
      const inserted = await this.replays.insert(transaction, id, { ...order, bulkId: null });
      // Somebody else was faster, or it changed since it was read.
      if (inserted === null)
        throw blocked((await this.deadLetters.find(id, transaction))?.blocker ?? 'DEAD_LETTER_OVER');
      await this.steps.noteRefused(transaction, [id]);
      const detail = { replay: inserted.id, reason: order.reason };
      await this.audit.write(transaction, {
        principal: order.orderedBy,
        action: 'dead_letter.replay',
        subject: id,
        detail,
      });
      return inserted;
    });
    return toReplayView(replay);
  }

  /**
   * Calls off the replay of one dead letter.
   *
   * @throws NotFoundException DEAD_LETTER_UNKNOWN; ConflictException REPLAY_OVER where none waits, or its attempt is under way
   */
  async cancel(deliveryId: string, principal: string): Promise<void> {
    found(await this.deadLetters.find(deliveryId));
    await this.database.transaction(async (transaction) => {
      if ((await this.replays.cancel(transaction, { deliveryId, bulkId: null })) === 0) throw over();
      await this.audit.write(transaction, { principal, action: 'dead_letter.cancel_replay', subject: deliveryId });
    });
  }

  /** Orders replays of the oldest `max` dead letters that are meant and can be replayed. */
  async replayMany(filter: DeadLetterFilter, max: number, order: Omit<ReplayOrder, 'bulkId'>): Promise<BulkReplayView> {
    const { reason, orderedBy } = order;
    const id = await this.database.transaction(async (transaction) => {
      const bulkId = await this.bulks.insert(transaction, { filter, reason, orderedBy, replaysMax: max });
      const chosen = await this.replays.insertMany(transaction, filter, { ...order, bulkId }, max);
      await this.steps.noteRefused(transaction, chosen);
      await this.bulks.noteChosen(transaction, bulkId, chosen.length);
      const detail = { filter, max, chosen: chosen.length, reason };
      await this.audit.write(transaction, {
        principal: orderedBy,
        action: 'dead_letters.replay',
        subject: bulkId,
        detail,
      });
      return bulkId;
    });
    return this.findBulk(id);
  }

  /** @throws NotFoundException REPLAYS_UNKNOWN */
  async findBulk(id: string): Promise<BulkReplayView> {
    const row = await this.bulks.find(id);
    if (row === null) throw new NotFoundException({ code: 'REPLAYS_UNKNOWN', detail: 'there are no such replays' });
    return toBulkView(row);
  }

  async listBulks(page: PageRequest): Promise<Page<BulkReplayView>> {
    const rows = await this.bulks.list({ ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toBulkView);
  }

  /**
   * Calls off all that wait; attempts under way end by themselves.
   *
   * @throws NotFoundException REPLAYS_UNKNOWN; ConflictException REPLAY_OVER
   */
  async cancelBulk(id: string, principal: string): Promise<BulkReplayView> {
    const { state } = await this.findBulk(id);
    if (state !== 'running') throw over();
    await this.database.transaction(async (transaction) => {
      if (!(await this.bulks.cancel(transaction, id, principal))) throw over();
      const cancelled = await this.replays.cancel(transaction, { deliveryId: null, bulkId: id });
      const detail = { cancelled };
      await this.audit.write(transaction, { principal, action: 'dead_letters.cancel_replays', subject: id, detail });
    });
    return this.findBulk(id);
  }
}

function found(row: DeadLetterRow | null): DeadLetterRow {
  if (row !== null) return row;
  throw new NotFoundException({ code: 'DEAD_LETTER_UNKNOWN', detail: 'there is no such dead letter' });
}

const blocked = (code: keyof typeof BLOCKERS): ConflictException =>
  new ConflictException({ code, detail: BLOCKERS[code] });

const over = (): ConflictException =>
  new ConflictException({ code: 'REPLAY_OVER', detail: 'nothing waits that could be called off' });
