import {
  ConflictException,
  Inject,
  Injectable,
  NotFoundException,
  UnprocessableEntityException,
  type OnModuleInit,
} from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, violatedUnique, type Transaction } from '../../platform/database/database.js';
import { Retention } from '../../platform/database/retention.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { UserHooks } from '../users/index.js';
import { WebhookEndpointsService } from '../webhook-endpoints/index.js';
import { MessagesRepository, type StreamFilter } from './messages.repository.js';
import { ReplaysRepository } from './replays.repository.js';
import { StreamDispatcher } from './stream-dispatcher.js';
import { StreamKeeper } from './stream-keeper.js';
import { StreamSender } from './stream-sender.js';
import type {
  EventAttemptView,
  EventReplayView,
  EventSubscriptionChange,
  EventSubscriptionView,
  NewEventReplay,
  NewEventSubscription,
  SubscribedEventView,
} from './subscriptions.dto.js';
import { toAttemptView, toEventView, toReplayView, toSubscriptionView } from './subscriptions.mapper.js';
import { SubscriptionsRepository, type SubscriptionRow } from './subscriptions.repository.js';

/** Each makes every fact a little dearer. */
const SUBSCRIPTIONS_MAX = 50;

/** Who is told what, as operators keep it. */
@Injectable()
export class SubscriptionsService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly subscriptions: SubscriptionsRepository,
    private readonly messages: MessagesRepository,
    private readonly replays: ReplaysRepository,
    private readonly endpoints: WebhookEndpointsService,
    private readonly sender: StreamSender,
    private readonly dispatcher: StreamDispatcher,
    private readonly keeper: StreamKeeper,
    private readonly hooks: UserHooks,
    private readonly audit: AuditLog,
    private readonly retention: Retention,
    @Inject(CONFIG) private readonly config: Pick<Config, 'eventStream'>,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.messages.eraseUser(transaction, userId));
    const { keptMs: forMs } = this.config.eventStream;
    // Messages before the events that they tell of.
    for (const table of ['attempts', 'messages', 'events', 'replays'] as const) {
      this.retention.keep({ forMs, purge: (before, limit) => this.messages.purge(table, before, limit) });
    }
  }

  /**
   * Tells the endpoint everything of these types that is written after this.
   *
   * @throws ConflictException SUBSCRIPTION_KEY_TAKEN, TOO_MANY_SUBSCRIPTIONS
   * @throws UnprocessableEntityException UNKNOWN_REFERENCE for an endpoint that is not registered
   */
  async create(input: NewEventSubscription, principal: string): Promise<EventSubscriptionView> {
    await this.refuseUnknown(input.endpoint);
    await this.subscriptions.listen();
    try {
      return await this.database.transaction(async (transaction) => {
        const row = await this.subscriptions.insert(transaction, input, SUBSCRIPTIONS_MAX);
        if (row === null) throw tooMany();
        await this.write(transaction, 'create', row, principal);
        return toSubscriptionView(row);
      });
    } catch (error) {
      if (violatedUnique(error) === null) throw error;
      const detail = 'a subscription with this key exists';
      throw new ConflictException({ code: 'SUBSCRIPTION_KEY_TAKEN', detail }, { cause: error });
    }
  }

  /** @throws NotFoundException SUBSCRIPTION_UNKNOWN, UnprocessableEntityException UNKNOWN_REFERENCE */
  async change(key: string, input: EventSubscriptionChange, principal: string): Promise<EventSubscriptionView> {
    if (input.endpoint !== undefined) await this.refuseUnknown(input.endpoint);
    const changed = await this.database.transaction(async (transaction) => {
      const row = known(await this.subscriptions.lock(transaction, key));
      const state = input.state ?? row.state;
      const stays = state === row.state ? row.reason : null;
      const fields = {
        name: input.name ?? row.name,
        endpoint: input.endpoint ?? row.endpoint,
        types: input.types ?? row.types,
        format: input.format ?? row.format,
      };
      const reason = input.state === 'disabled' ? (stays ?? 'operator') : stays;
      const after = await this.subscriptions.update(transaction, row.id, { ...fields, state, reason });
      await this.write(transaction, 'change', after, principal);
      return after;
    });
    this.dispatcher.kick();
    return toSubscriptionView(changed);
  }

  /** What it was owed is not sent any more. @throws NotFoundException SUBSCRIPTION_UNKNOWN */
  async remove(key: string, principal: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      if (!(await this.subscriptions.remove(transaction, key))) throw unknownSubscription();
      await this.audit.write(transaction, { principal, action: 'event_subscription.remove', subject: key });
    });
  }

  /** @throws NotFoundException SUBSCRIPTION_UNKNOWN */
  async find(key: string): Promise<EventSubscriptionView> {
    return toSubscriptionView(known(await this.subscriptions.find(key)));
  }

  async list(page: PageRequest): Promise<Page<EventSubscriptionView>> {
    const rows = await this.subscriptions.list({ ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toSubscriptionView);
  }

  /** What the subscription was owed, newest first. @throws NotFoundException SUBSCRIPTION_UNKNOWN */
  async events(
    key: string,
    filter: Omit<StreamFilter, 'subscriptionId'>,
    page: PageRequest,
  ): Promise<Page<SubscribedEventView>> {
    const { id: subscriptionId } = known(await this.subscriptions.find(key));
    const rows = await this.messages.messages({ ...filter, subscriptionId }, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toEventView);
  }

  /** Newest first. @throws NotFoundException SUBSCRIPTION_UNKNOWN */
  async attempts(
    key: string,
    filter: Omit<StreamFilter, 'subscriptionId'>,
    page: PageRequest,
  ): Promise<Page<EventAttemptView>> {
    const { id: subscriptionId } = known(await this.subscriptions.find(key));
    const rows = await this.messages.attempts({ ...filter, subscriptionId }, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toAttemptView);
  }

  /**
   * Sends again what was sent, or what no attempt succeeded for, with the ids that it had.
   *
   * @throws NotFoundException SUBSCRIPTION_UNKNOWN, ConflictException REPLAY_UNDER_WAY
   */
  async replay(key: string, input: NewEventReplay, principal: string): Promise<EventReplayView> {
    try {
      const row = await this.database.transaction(async (transaction) => {
        const subscription = known(await this.subscriptions.find(key, transaction));
        const replay = await this.replays.start(transaction, {
          subscriptionId: subscription.id,
          since: input.since ?? null,
          until: input.until ?? null,
          eventIds: input.event_ids ?? null,
          isDeadOnly: input.only_dead,
        });
        await this.write(transaction, 'replay', subscription, principal);
        return replay;
      });
      this.keeper.kick();
      return toReplayView(row);
    } catch (error) {
      if (violatedUnique(error) === null) throw error;
      const detail = 'another replay of this subscription is under way';
      throw new ConflictException({ code: 'REPLAY_UNDER_WAY', detail }, { cause: error });
    }
  }

  /** Newest first. @throws NotFoundException SUBSCRIPTION_UNKNOWN */
  async listReplays(key: string, page: PageRequest): Promise<Page<EventReplayView>> {
    const { id } = known(await this.subscriptions.find(key));
    const rows = await this.replays.list(id, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, (row) => row.id, toReplayView);
  }

  /** Sends an event of the type `test` at once, and tells what came of it. @throws NotFoundException SUBSCRIPTION_UNKNOWN */
  async test(key: string, principal: string): Promise<EventAttemptView> {
    const subscription = known(await this.subscriptions.find(key));
    const attempt = await this.sender.test(subscription);
    return this.database.transaction(async (transaction) => {
      await this.write(transaction, 'test', subscription, principal);
      return toAttemptView(await this.messages.addAttempt(transaction, attempt));
    });
  }

  private async refuseUnknown(endpoint: string): Promise<void> {
    if ((await this.endpoints.existing([endpoint])).size > 0) return;
    const detail = `there is no webhook endpoint ${endpoint}`;
    const errors = [{ path: 'endpoint', message: detail }];
    throw new UnprocessableEntityException({ code: 'UNKNOWN_REFERENCE', detail, errors });
  }

  private write(
    transaction: Transaction,
    action: string,
    { key, endpoint, types, state }: SubscriptionRow,
    principal: string,
  ): Promise<void> {
    const detail = { endpoint, types, state };
    return this.audit.write(transaction, { principal, action: `event_subscription.${action}`, subject: key, detail });
  }
}

function known(row: SubscriptionRow | null): SubscriptionRow {
  if (row === null) throw unknownSubscription();
  return row;
}

const unknownSubscription = (): NotFoundException =>
  new NotFoundException({ code: 'SUBSCRIPTION_UNKNOWN', detail: 'there is no such subscription' });

const tooMany = (): ConflictException =>
  new ConflictException({
    code: 'TOO_MANY_SUBSCRIPTIONS',
    detail: `there are ${SUBSCRIPTIONS_MAX} subscriptions already`,
  });
