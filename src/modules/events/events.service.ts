import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Listener } from '../../core/journeys/interpreter-state.js';
import { matchesOf } from '../../core/journeys/matching.js';
import { DAY_MS, type InstantMs } from '../../core/kernel/instant.js';
import { Clock } from '../../platform/clock/clock.js';
import { Batches } from '../../platform/concurrency/batches.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, type Queryable } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { refuseVirtualTime } from '../../platform/http/virtual-time.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { newId } from '../../platform/random/ids.js';
import { RunSignals } from '../journeys/index.js';
import { UserHooks, UsersService, type UserReference } from '../users/index.js';
import { readDeviceZones } from './device-zones.js';
import type { EventResult, EventView, NewEvent } from './events.dto.js';
import { toEventView, toNewEventRow, toUserEvent } from './events.mapper.js';
import { EventsRepository, type EventSearch, type FoundEventRow, type NewEventRow } from './events.repository.js';

/** Clocks of senders run ahead, but not by more than this: such an event would win against the real ones for days. */
const AHEAD_MS_MAX = DAY_MS;

const BATCHES = { sizeMax: 64, underWayMax: 2 };

const EVENTS_A_PAGE = 200;
const EVENTS_LOOKED_AT_MAX = 10_000;

/** An event that was looked for, and which of the conditions it meets. */
type FoundEvent = FoundEventRow & { readonly matches?: readonly number[] };

type Judged =
  | { readonly kind: 'event'; readonly row: NewEventRow }
  | { readonly kind: 'refused'; readonly messageId: string; readonly reason: string };

/** What people do. */
@Injectable()
export class EventsService implements OnModuleInit {
  private readonly ones = new Batches<NewEvent, EventResult>((inputs) => this.acceptTogether(inputs), BATCHES);

  constructor(
    private readonly database: Database,
    private readonly events: EventsRepository,
    private readonly users: UsersService,
    private readonly signals: RunSignals,
    private readonly hooks: UserHooks,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.events.eraseUser(transaction, userId));
  }

  /**
   * Stores events and hands them to the runs that listen. Each event has a result of its own: `duplicate` when its
   * message id was seen before, `refused` when its user does not exist or it lies in the future. `context.timezone`
   * tells where the person is; what is no time zone there becomes an event of its own, see `INVALID_TIMEZONE`.
   *
   * @throws ForbiddenException VIRTUAL_TIME_REFUSED in production
   */
  async accept(inputs: readonly NewEvent[]): Promise<readonly EventResult[]> {
    for (const { clock_domain } of inputs) refuseVirtualTime(clock_domain, this.config);
    const now = this.clock.now();
    const ids = await this.users.resolveMany(inputs.map(({ user_id }) => user_id));
    const { results, zones } = await this.database.transaction(async (transaction) => {
      const known = await this.users.hold(
        transaction,
        ids.filter((id) => id !== null),
      );
      // Ids order events that happened at one instant, and those of one millisecond are random: let them follow the batch.
      const eventIds = inputs.map(newId).sort();
      const judged = inputs.map((input, index) =>
        judge(input, { id: eventIds[index] ?? newId(), userId: ids[index] ?? null, known, now }),
      );
      const rows = judged.flatMap((each) => (each.kind === 'event' ? [each.row] : []));
      const { zones, faults } = readDeviceZones(rows);
      const stored = [...rows, ...faults];
      const fresh = await this.events.takeKeys(transaction, stored);
      const accepted = stored.filter(({ id }) => fresh.has(id));
      await this.events.insert(transaction, accepted);
      await this.signals.events(transaction, accepted.map(toUserEvent));
      return { results: judged.map((each) => toResult(each, fresh)), zones };
    });
    // Of repeated events too: who repeats them because this failed makes up for it.
    await this.users.noteDeviceZones(zones);
    this.signals.kick();
    this.count(results);
    return results;
  }

  /**
   * The same for one event; those that come at one time share a transaction.
   *
   * @throws ForbiddenException VIRTUAL_TIME_REFUSED in production
   */
  async acceptOne(input: NewEvent): Promise<EventResult> {
    refuseVirtualTime(input.clock_domain, this.config);
    return this.ones.add(input);
  }

  /** What goes wrong with one event must not go wrong for those that happened to come with it. */
  private async acceptTogether(inputs: readonly NewEvent[]): Promise<readonly (EventResult | Promise<EventResult>)[]> {
    try {
      return await this.accept(inputs);
    } catch (error) {
      if (inputs.length === 1) throw error;
      return inputs.map(async (input) => only(await this.accept([input])));
    }
  }

  /** Events of a user, newest first. */
  async list(
    filter: { readonly user: UserReference; readonly name: string | null },
    page: PageRequest,
  ): Promise<Page<EventView>> {
    const userId = await this.users.resolve(filter.user);
    const rows = await this.events.list({ userId, name: filter.name }, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toEventView);
  }

  /**
   * The first event in (after, until], by the time at which it happened, that has one of these names or meets one of the
   * conditions on its properties; and which of them it meets. A virtual domain also sees what really happened. At most
   * 10,000 events of the names in question are looked at.
   */
  async findFirst(
    { listeners = [], ...search }: EventSearch & { readonly listeners?: readonly Listener[] | undefined },
    queryable: Queryable = this.database,
  ): Promise<FoundEvent | null> {
    if (listeners.length === 0) return this.events.findFirst(queryable, search);
    const names = [...new Set([...search.names, ...listeners.map(({ event }) => event)])];
    const plain = new Set(search.names);
    let behind: FoundEventRow | null = null;
    for (let looked = 0; looked < EVENTS_LOOKED_AT_MAX; looked += EVENTS_A_PAGE) {
      const page = await this.events.inOrder(queryable, { ...search, names }, behind, EVENTS_A_PAGE);
      for (const { properties, ...event } of page) {
        const matches = matchesOf(listeners, { name: event.name, properties });
        if (matches.length > 0) return { ...event, matches };
        if (plain.has(event.name)) return event;
      }
      behind = page.at(-1) ?? null;
      if (page.length < EVENTS_A_PAGE) return null;
    }
    return null;
  }

  private count(results: readonly EventResult[]): void {
    for (const status of ['accepted', 'duplicate', 'refused'] as const) {
      this.metrics.countEvents(status, results.filter((result) => result.status === status).length);
    }
  }
}

function only<Item>([item]: readonly Item[]): Item {
  if (item === undefined) throw new Error('one event had no result');
  return item;
}

function judge(
  input: NewEvent,
  facts: {
    readonly id: string;
    readonly userId: string | null;
    readonly known: ReadonlySet<string>;
    readonly now: InstantMs;
  },
): Judged {
  const { id, userId, known, now } = facts;
  const messageId = input.message_id ?? id;
  if (userId === null || !known.has(userId)) return { kind: 'refused', messageId, reason: 'USER_UNKNOWN' };
  const isAhead = input.clock_domain === 'real' && (input.timestamp ?? now) > now + AHEAD_MS_MAX;
  if (isAhead) return { kind: 'refused', messageId, reason: 'TIMESTAMP_IN_FUTURE' };
  return { kind: 'event', row: toNewEventRow(input, { id, userId, now }) };
}

function toResult(judged: Judged, fresh: ReadonlySet<string>): EventResult {
  if (judged.kind === 'refused') {
    return { id: null, message_id: judged.messageId, status: 'refused', reason: judged.reason };
  }
  const { id, messageId } = judged.row;
  return fresh.has(id)
    ? { id, message_id: messageId, status: 'accepted' }
    : { id: null, message_id: messageId, status: 'duplicate' };
}
