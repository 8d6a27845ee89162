import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { AddressHasher } from '../../platform/address/address-hash.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { readLines, type LinesBody } from '../../platform/http/lines.js';
import { newId } from '../../platform/random/ids.js';
import { AuditLog } from '../access/index.js';
import { RunSignals } from '../journeys/index.js';
import { UsersService } from '../users/index.js';
import { channelOf } from './channel-of.js';
import { lineReader, type LineFault } from './import-lines.js';
import type { ImportedSuppression, ImportView } from './suppressions.dto.js';
import { SuppressionsRepository, type NewSuppressionRow } from './suppressions.repository.js';
import { SuppressionsService } from './suppressions.service.js';

/** The whole file. */
const BYTES_MAX = 100 * 1_048_576;
const LINE_CHARACTERS_MAX = 4_096;
/** Lines in one transaction: their users' locks are held for as long as it takes, a few hundredths of a second. */
const BATCH_LINES = 500;
const FAULTS_TOLD_MAX = 100;

interface NumberedLine {
  readonly line: number;
  readonly suppression: ImportedSuppression;
}

/** One line with everything looked up. */
interface ReadyLine {
  readonly line: number;
  readonly row: NewSuppressionRow;
}

interface BatchResult {
  readonly added: number;
  readonly extended: number;
  readonly unchanged: number;
  readonly faults: readonly LineFault[];
}

interface ImportRequest {
  readonly body: LinesBody;
  readonly isDryRun: boolean;
  readonly principal: string;
}

/** Takes in suppressions by the file: from another system, or from an export of this one. */
@Injectable()
export class SuppressionImports {
  constructor(
    private readonly database: Database,
    private readonly suppressions: SuppressionsRepository,
    private readonly service: SuppressionsService,
    private readonly users: UsersService,
    private readonly hasher: AddressHasher,
    private readonly signals: RunSignals,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Stores every line without a fault, 500 in a transaction, as they come; each is in force from the commit of its
   * transaction on. Breaking off leaves what was stored. The same file again does no harm, so it is also the way to go on.
   *
   * @throws BadRequestException for a CSV file whose header is of no use
   * @throws PayloadTooLargeException for more than 100 MB; what came before it is stored
   */
  async run({ body, isDryRun, principal }: ImportRequest): Promise<ImportView> {
    const id = newId();
    const counts = new ImportCounts();
    const note = { principal, action: 'suppression.import', subject: id };
    let batch: NumberedLine[] = [];
    const flush = async (): Promise<void> => {
      if (batch.length > 0) counts.addBatch(await this.store(batch, isDryRun));
      batch = [];
    };
    const readLine = lineReader(body.format);
    for await (const line of readLines(body.stream, { bytesMax: BYTES_MAX, lineCharactersMax: LINE_CHARACTERS_MAX })) {
      const read = readLine(line);
      if (read === null) continue;
      // Before anything is stored, so that an import that breaks off has left its mark too.
      if (counts.lines === 0 && !isDryRun) await this.note({ ...note, detail: { state: 'begun' } });
      counts.addLine(read.kind === 'faulty' ? read.faults : []);
      if (read.kind === 'suppression') batch.push(read);
      if (batch.length === BATCH_LINES) await flush();
    }
    await flush();
    const view = { id, dry_run: isDryRun, ...counts.view() };
    const { lines, added, extended, unchanged, refused } = view;
    const detail = { state: 'finished', lines, added, extended, unchanged, refused };
    if (lines > 0 && !isDryRun) await this.note({ ...note, detail });
    return view;
  }

  private note(entry: Parameters<AuditLog['write']>[1]): Promise<void> {
    return this.database.transaction((transaction) => this.audit.write(transaction, entry));
  }

  private async store(batch: readonly NumberedLine[], isDryRun: boolean): Promise<BatchResult> {
    const { ready, faults } = await this.prepare(batch);
    const result = await this.database.transaction((transaction) => this.storeReady(transaction, ready, isDryRun));
    if (!isDryRun) this.signals.kick();
    return { ...result, faults: [...faults, ...result.faults] };
  }

  private async storeReady(
    transaction: Transaction,
    ready: readonly ReadyLine[],
    isDryRun: boolean,
  ): Promise<BatchResult> {
    const userIds = ready.flatMap(({ row }) => row.userId ?? []);
    const known = isDryRun
      ? await this.users.holdShared(transaction, userIds)
      : await this.lockConcerned(transaction, ready, userIds);
    const now = await this.suppressions.now(transaction);
    const faultOf = ({ line, row }: ReadyLine): LineFault | null => {
      if (row.userId !== null && !known.has(row.userId)) return unknownUser(line);
      return isOverAtBirth(row, now) ? overAtBirth(line) : null;
    };
    const good = ready.filter((line) => faultOf(line) === null);
    const rows = withoutRepetition(good.map(({ row }) => row));
    const { added, extended } = isDryRun
      ? await this.suppressions.countChanges(transaction, rows)
      : await this.put(transaction, rows);
    const faults = ready.flatMap((line) => faultOf(line) ?? []);
    return { added, extended, unchanged: good.length - added - extended, faults };
  }

  private async put(
    transaction: Transaction,
    rows: readonly NewSuppressionRow[],
  ): Promise<{ readonly added: number; readonly extended: number }> {
    const changed = await this.suppressions.putMany(transaction, rows);
    await this.service.wakeConcerned(transaction, changed);
    const added = changed.filter(({ isNew }) => isNew).length;
    return { added, extended: changed.length - added };
  }

  private async lockConcerned(
    transaction: Transaction,
    ready: readonly ReadyLine[],
    userIds: readonly string[],
  ): Promise<ReadonlySet<string>> {
    const hashes = ready.flatMap(({ row }) => row.addressHash ?? []);
    const ofAddresses = await this.users.idsWithAddressHashes(transaction, hashes);
    return this.users.lock(transaction, [...userIds, ...ofAddresses]);
  }

  private async prepare(
    batch: readonly NumberedLine[],
  ): Promise<{ readonly ready: readonly ReadyLine[]; readonly faults: readonly LineFault[] }> {
    const references = batch.flatMap(({ suppression }) => suppression.user_id ?? []);
    const ids = references.length === 0 ? [] : await this.users.resolveMany(references);
    const idOf = new Map(references.map((reference, index) => [reference, ids[index] ?? null]));
    const ready: ReadyLine[] = [];
    const faults: LineFault[] = [];
    for (const { line, suppression } of batch) {
      const { address, address_hash, hash_key, user_id, channel, purpose, reason, source, since, until } = suppression;
      const userId = user_id === undefined ? null : (idOf.get(user_id) ?? null);
      const addressHash =
        address === undefined ? (address_hash ?? null) : this.hasher.hash(channelOf(address), address);
      if (user_id !== undefined && userId === null) faults.push(unknownUser(line));
      else if (address_hash !== undefined && hash_key !== this.hasher.keyName()) faults.push(otherKey(line));
      else {
        const rest = { channel, purpose, reason, source, since: since ?? null, until };
        ready.push({ line, row: { addressHash, userId, ...rest } });
      }
    }
    return { ready, faults };
  }
}

/** Of the same suppression several times over, one that lasts as long as the longest of them. */
function withoutRepetition(rows: readonly NewSuppressionRow[]): readonly NewSuppressionRow[] {
  const longest = new Map<string, NewSuppressionRow>();
  for (const row of rows) {
    const key = JSON.stringify([row.addressHash, row.userId, row.channel, row.purpose, row.reason]);
    const other = longest.get(key);
    if (other === undefined || (row.until ?? Infinity) > (other.until ?? Infinity)) longest.set(key, row);
  }
  return [...longest.values()];
}

/** One that says when it began is history, and may be over. */
const isOverAtBirth = ({ since, until }: NewSuppressionRow, now: InstantMs): boolean =>
  since === null && until !== null && until <= now;

const overAtBirth = (line: number): LineFault => ({
  line,
  path: 'until',
  message: 'an instant in the future, or say in since when it began',
});

const unknownUser = (line: number): LineFault => ({ line, path: 'user_id', message: 'there is no such user' });

const otherKey = (line: number): LineFault => ({
  line,
  path: 'hash_key',
  message: 'the hash was not made with the key of this installation, so it could never be found',
});

/** Counts what became of the lines, with bounded memory. */
class ImportCounts {
  lines = 0;
  private added = 0;
  private extended = 0;
  private unchanged = 0;
  private refused = 0;
  private readonly faults: LineFault[] = [];

  addLine(faults: readonly LineFault[]): void {
    this.lines += 1;
    if (faults.length > 0) this.refused += 1;
    this.tell(faults);
  }

  addBatch({ added, extended, unchanged, faults }: BatchResult): void {
    this.added += added;
    this.extended += extended;
    this.unchanged += unchanged;
    this.refused += faults.length;
    this.tell(faults);
  }

  view(): Omit<ImportView, 'id' | 'dry_run'> {
    const { lines, added, extended, unchanged, refused, faults } = this;
    return { lines, added, extended, unchanged, refused, faults: [...faults] };
  }

  /** Batches tell their faults after the lines in between: the first ones are kept by line, not by arrival. */
  private tell(faults: readonly LineFault[]): void {
    const last = this.faults.at(FAULTS_TOLD_MAX - 1);
    if (faults.every(({ line }) => last !== undefined && line > last.line)) return;
    this.faults.push(...faults);
    this.faults.sort((left, right) => left.line - right.line);
    this.faults.length = Math.min(this.faults.length, FAULTS_TOLD_MAX);
  }
}
