import { toCsvLine } from '../../platform/http/csv.js';
import type { SuppressionView } from './suppressions.dto.js';
import type { SuppressionRow } from './suppressions.repository.js';

export const toSuppressionView = (row: SuppressionRow): SuppressionView => ({
  id: row.id,
  user_id: row.userId,
  address_hash: row.addressHash,
  channel: row.channel,
  purpose: row.purpose,
  reason: row.reason,
  source: row.source,
  since: new Date(row.since).toISOString(),
  until: row.until === null ? null : new Date(row.until).toISOString(),
  lifted_at: row.liftedAt === null ? null : new Date(row.liftedAt).toISOString(),
});

/** Writes lines of an export; a file says of each hash with which key it was made. */
export interface ExportFormat {
  readonly contentType: string;
  readonly header: string;
  toLine(row: SuppressionRow, keyName: string): string;
}

const COLUMNS = [
  'id',
  'user_id',
  'address_hash',
  'hash_key',
  'channel',
  'purpose',
  'reason',
  'source',
  'since',
  'until',
] as const;

const toExported = (
  row: SuppressionRow,
  keyName: string,
): Readonly<Record<(typeof COLUMNS)[number], string | null>> => {
  // What was lifted is in no export.
  const { lifted_at: _liftedAt, ...view } = toSuppressionView(row);
  return { ...view, hash_key: row.addressHash === null ? null : keyName };
};

export const EXPORT_FORMATS: Readonly<Record<'csv' | 'ndjson', ExportFormat>> = {
  csv: {
    contentType: 'text/csv; charset=utf-8',
    header: toCsvLine(COLUMNS),
    toLine(row, keyName) {
      const exported = toExported(row, keyName);
      return toCsvLine(COLUMNS.map((column) => exported[column]));
    },
  },
  ndjson: {
    contentType: 'application/x-ndjson; charset=utf-8',
    header: '',
    toLine: (row, keyName) => `${JSON.stringify(toExported(row, keyName))}\n`,
  },
};
