import {
  BadRequestException,
  ConflictException,
  Inject,
  Injectable,
  NotFoundException,
  type OnModuleInit,
} from '@nestjs/common';
import { parseDuration } from '../../core/kernel/duration.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { Retention } from '../../platform/database/retention.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { newId } from '../../platform/random/ids.js';
import { AuditLog } from '../access/index.js';
import { JourneyVersions } from '../journeys/index.js';
import { UserHooks, UsersService, type UserReference } from '../users/index.js';
import {
  BulkEnrolmentsRepository,
  type BulkRow,
  type BulkState,
  type Item,
  type NewBulk,
} from './bulk-enrolments.repository.js';
import type {
  BulkEnrolmentRequest,
  BulkEnrolmentView,
  BulkImportQuery,
  EntryRefusalView,
} from './bulk-enrolments.dto.js';
import { toBulkView, toRefusalView } from './bulk-enrolments.mapper.js';
import { BulkRefusalsRepository } from './bulk-refusals.repository.js';
import { BulkGateway } from './bulk-gateway.js';
import { BulkStarter } from './bulk-starter.js';

export const BULK_PER_SECOND_DEFAULT = 50;

type Command = 'pause' | 'resume' | 'cancel';

/** What each command asks for, from where it may come, and what it is called. */
const COMMANDS: Readonly<
  Record<Command, { readonly to: 'paused' | 'running' | 'cancelled'; readonly from: readonly BulkState[] }>
> = {
  pause: { to: 'paused', from: ['queued', 'running'] },
  resume: { to: 'running', from: ['paused'] },
  cancel: { to: 'cancelled', from: ['queued', 'running', 'paused'] },
};

/** Enrolments of many: asked for, looked at, steered. Who enters is decided page by page, see `BulkPages`. */
@Injectable()
export class BulkEnrolmentsService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly enrolments: BulkEnrolmentsRepository,
    private readonly entryRefusals: BulkRefusalsRepository,
    private readonly versions: JourneyVersions,
    private readonly users: UsersService,
    private readonly hooks: UserHooks,
    private readonly audit: AuditLog,
    private readonly gateway: BulkGateway,
    private readonly starter: BulkStarter,
    private readonly retention: Retention,
    @Inject(CONFIG) private readonly config: Pick<Config, 'logs'>,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.enrolments.eraseUser(transaction, userId));
    this.retention.keep({
      forMs: this.config.logs.keptMs,
      purge: (before, limit) => this.entryRefusals.purge(before, limit),
    });
  }

  /**
   * Takes the order; a workflow carries it out.
   *
   * @throws NotFoundException JOURNEY_UNKNOWN; ConflictException where the journey lets nobody in; BadRequestException
   *   ENTRY_KEY_MISSING in a parallel journey
   */
  async start(idOrKey: string, request: BulkEnrolmentRequest, principal: string): Promise<BulkEnrolmentView> {
    const journey = await this.journeyThatEnters(idOrKey, request.entry_key ?? null);
    const { users } = request;
    const items = 'ids' in users ? await this.toItems(users.ids) : [];
    const bulk: NewBulk = {
      ...toNewBulk(request),
      journeyId: journey.id,
      source: 'ids' in users ? 'ids' : 'filter',
      condition: 'where' in users ? users.where : null,
      perSecond: request.per_second,
      createdBy: principal,
      state: 'queued',
    };
    await this.database.transaction(async (transaction) => {
      await this.enrolments.insert(transaction, bulk);
      if (items.length > 0) await this.enrolments.addItems(transaction, bulk.id, items, []);
      await this.note(transaction, { principal, verb: 'start', id: bulk.id, journey: journey.key });
    });
    this.starter.kick();
    return this.viewOf(bulk.id);
  }

  /** Looks up a journey that lets people in. @throws as `start` */
  async journeyThatEnters(
    idOrKey: string,
    entryKey: string | null,
  ): Promise<{ readonly id: string; readonly key: string; readonly needsKey: boolean }> {
    const journey = await this.journeyOf(idOrKey);
    const { entry } = await this.versions.current(journey.key);
    return { ...journey, needsKey: requireKey(entry.mode, entryKey) };
  }

  async list(idOrKey: string, page: PageRequest): Promise<Page<BulkEnrolmentView>> {
    const { id } = await this.journeyOf(idOrKey);
    const rows = await this.enrolments.list(id, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, (row) => row.id, toBulkView);
  }

  async find(idOrKey: string, bulkId: string): Promise<BulkEnrolmentView> {
    return toBulkView(await this.get(idOrKey, bulkId));
  }

  async refusals(idOrKey: string, bulkId: string, page: PageRequest): Promise<Page<EntryRefusalView>> {
    const { id } = await this.get(idOrKey, bulkId);
    const rows = await this.entryRefusals.list(id, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, (row) => row.id, toRefusalView);
  }

  /**
   * Pauses, resumes or cancels; in force from the commit on, whether the workflow can be told at once or not. What is so
   * already stays so.
   *
   * @throws NotFoundException; ConflictException BULK_ENROLMENT_OVER, BULK_ENROLMENT_RECEIVING
   */
  async command(idOrKey: string, bulkId: string, command: Command, principal: string): Promise<BulkEnrolmentView> {
    const { id, journeyKey } = await this.get(idOrKey, bulkId);
    const { to, from } = COMMANDS[command];
    const commands = await this.database.transaction(async (transaction) => {
      const row = await this.enrolments.lock(transaction, id);
      if (row.state === to || (to === 'running' && row.state === 'queued')) return null;
      if (!from.includes(row.state)) throw refusalOf(row);
      await this.enrolments.command(transaction, id, to);
      await this.note(transaction, { principal, verb: command, id, journey: journeyKey });
      return row.commands + 1;
    });
    const isHeard = commands !== null && (await this.gateway.command(id, { kind: command, number: commands }));
    if (isHeard) await this.enrolments.noteTold(id, commands);
    return this.viewOf(id);
  }

  async viewOf(id: string): Promise<BulkEnrolmentView> {
    const row = await this.enrolments.find(id);
    if (row === null) throw unknown();
    return toBulkView(row);
  }

  private note(
    transaction: Transaction,
    { principal, verb, id, journey }: { principal: string; verb: string; id: string; journey: string },
  ): Promise<void> {
    return this.audit.write(transaction, {
      principal,
      action: `bulk_enrolment.${verb}`,
      subject: id,
      detail: { journey },
    });
  }

  private async toItems(references: readonly UserReference[]): Promise<readonly Item[]> {
    const ids = await this.users.resolveMany(references);
    return ids.map((userId, index) => ({ line: index + 1, userId, entryKey: null }));
  }

  private async journeyOf(idOrKey: string): Promise<{ readonly id: string; readonly key: string }> {
    const journey = await this.enrolments.journey(idOrKey);
    if (journey !== null) return journey;
    throw new NotFoundException({ code: 'JOURNEY_UNKNOWN', detail: 'there is no such journey' });
  }

  private async get(idOrKey: string, bulkId: string): Promise<BulkRow> {
    const journey = await this.journeyOf(idOrKey);
    const row = await this.enrolments.find(bulkId);
    if (row === null || row.journeyId !== journey.id) throw unknown();
    return row;
  }
}

/** How runs begin, as the order says it; the same of an import. */
export function toNewBulk(
  order: Pick<BulkImportQuery, 'spread' | 'entry_key' | 'start_at' | 'local_time'>,
): Pick<NewBulk, 'id' | 'spreadMs' | 'entryKey' | 'startAt' | 'localMinute' | 'localDate' | 'cause'> {
  const { spread, local_time: localTime } = order;
  return {
    id: newId(),
    spreadMs: spread === undefined ? 0 : (parseDuration(spread) ?? 0),
    entryKey: order.entry_key ?? null,
    startAt: order.start_at ?? null,
    localMinute: localTime === undefined ? null : minuteOfDay(localTime),
    localDate: null,
    cause: null,
  };
}

const minuteOfDay = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** @returns whether each user needs a key; @throws BadRequestException where none was given for them all */
function requireKey(mode: string, entryKey: string | null): boolean {
  const needsKey = mode === 'parallel';
  if (!needsKey || entryKey !== null) return needsKey;
  const errors = [{ path: 'entry_key', message: 'is required in a parallel journey' }];
  const detail = 'a parallel journey needs an entry_key';
  throw new BadRequestException({ code: 'ENTRY_KEY_MISSING', detail, errors });
}

const unknown = (): NotFoundException =>
  new NotFoundException({ code: 'BULK_ENROLMENT_UNKNOWN', detail: 'there is no such enrolment of this journey' });

function refusalOf({ state }: BulkRow): ConflictException {
  const isComing = state === 'receiving';
  const code = isComing ? 'BULK_ENROLMENT_RECEIVING' : 'BULK_ENROLMENT_OVER';
  return new ConflictException({ code, detail: isComing ? 'its file still comes' : `it is ${state} already` });
}
