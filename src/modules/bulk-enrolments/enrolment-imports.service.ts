import { ConflictException, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { readLines, type LinesBody } from '../../platform/http/lines.js';
import { AuditLog } from '../access/index.js';
import { UsersService, type UserReference } from '../users/index.js';
import { BulkEnrolmentsRepository, type Item, type NewBulk } from './bulk-enrolments.repository.js';
import type { Refusal } from './bulk-refusals.repository.js';
import { BULK_PER_SECOND_DEFAULT, BulkEnrolmentsService, toNewBulk } from './bulk-enrolments.service.js';
import type { BulkEnrolmentView, BulkImportQuery } from './bulk-enrolments.dto.js';
import { BulkStarter } from './bulk-starter.js';
import { lineReader, type ReadLine } from './enrolment-lines.js';

/** The whole file. */
const BYTES_MAX = 100 * 1_048_576;
const LINE_CHARACTERS_MAX = 4_096;
const BATCH_LINES = 500;

/** Enrols the people of a file. Nobody enters before the whole of it has come. */
@Injectable()
export class EnrolmentImports {
  constructor(
    private readonly database: Database,
    private readonly enrolments: BulkEnrolmentsRepository,
    private readonly service: BulkEnrolmentsService,
    private readonly users: UsersService,
    private readonly audit: AuditLog,
    private readonly starter: BulkStarter,
  ) {}

  /**
   * Stores the lines as they come, 500 in a transaction; a line with a fault is a refusal. A file that breaks off enrols
   * nobody.
   *
   * @throws as `BulkEnrolmentsService.start`; BadRequestException for a CSV file whose header is of no use;
   *   PayloadTooLargeException for more than 100 MB; ConflictException where it took too long
   */
  async run(order: {
    readonly journey: string;
    readonly body: LinesBody;
    readonly query: BulkImportQuery;
    readonly principal: string;
  }): Promise<BulkEnrolmentView> {
    const { query, principal, body } = order;
    // Each line may bring its own key, so none is asked for here.
    const journey = await this.service.journeyThatEnters(order.journey, query.entry_key ?? '');
    const bulk: NewBulk = {
      ...toNewBulk(query),
      journeyId: journey.id,
      source: 'file',
      condition: null,
      perSecond: query.per_second ?? BULK_PER_SECOND_DEFAULT,
      createdBy: principal,
      state: 'receiving',
    };
    const entry = { principal, action: 'bulk_enrolment.start', subject: bulk.id, detail: { journey: journey.key } };
    await this.database.transaction(async (transaction) => {
      await this.enrolments.insert(transaction, bulk);
      await this.audit.write(transaction, entry);
    });
    try {
      await this.receive(bulk.id, body);
    } catch (error) {
      await this.enrolments.fail(bulk.id, 'FILE_INCOMPLETE');
      throw error;
    }
    await this.database.transaction((transaction) => this.enrolments.release(transaction, bulk.id));
    this.starter.kick();
    const view = await this.service.viewOf(bulk.id);
    if (view.state !== 'failed') return view;
    throw new ConflictException({ code: 'FILE_INCOMPLETE', detail: 'the file took too long: nobody was enrolled' });
  }

  private async receive(id: string, body: LinesBody): Promise<void> {
    let batch: ReadLine[] = [];
    const readLine = lineReader(body.format);
    for await (const line of readLines(body.stream, { bytesMax: BYTES_MAX, lineCharactersMax: LINE_CHARACTERS_MAX })) {
      const read = readLine(line);
      if (read !== null) batch.push(read);
      if (batch.length < BATCH_LINES) continue;
      await this.store(id, batch);
      batch = [];
    }
    if (batch.length > 0) await this.store(id, batch);
  }

  private async store(id: string, batch: readonly ReadLine[]): Promise<void> {
    const entries = batch.filter((read) => read.kind === 'entry');
    const ids = await this.users.resolveMany(entries.map(({ entry }) => toReference(entry)));
    const items = entries.map(({ line, entry }, index): Item => {
      return { line, userId: ids[index] ?? null, entryKey: entry.entry_key ?? null };
    });
    const faults = batch.flatMap((read): readonly Refusal[] =>
      read.kind === 'faulty' ? [{ line: read.line, userId: null, code: 'INVALID_LINE', detail: read.detail }] : [],
    );
    await this.database.transaction((transaction) => this.enrolments.addItems(transaction, id, items, faults));
  }
}

function toReference({
  user_id: userId,
  external_id: externalId = '',
}: {
  readonly user_id?: string | undefined;
  readonly external_id?: string | undefined;
}): UserReference {
  return userId === undefined ? { kind: 'external', externalId } : { kind: 'id', id: userId.toLowerCase() };
}
