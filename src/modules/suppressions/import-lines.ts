import { BadRequestException } from '@nestjs/common';
import { parseCsvLine } from '../../platform/http/csv.js';
import { fieldsReader, givenIn, type Fields } from '../../platform/http/line-fields.js';
import type { Line } from '../../platform/http/lines.js';
import { formatPath } from '../../platform/http/validation.pipe.js';
import { IMPORT_COLUMNS, ImportedSuppression } from './suppressions.dto.js';

/** What is wrong with one line. */
export interface LineFault {
  readonly line: number;
  /** The column; empty for the whole line. */
  readonly path: string;
  readonly message: string;
}

/** One line with something in it. */
type ImportLine =
  | { readonly kind: 'suppression'; readonly line: number; readonly suppression: ImportedSuppression }
  | { readonly kind: 'faulty'; readonly faults: readonly LineFault[] };

/**
 * Reads the lines of an import, one by one.
 *
 * @returns null for a line without content: an empty one, or the header of a CSV file
 */
export type LineReader = (line: Line) => ImportLine | null;

/** A reader of a file from its first line on. @throws BadRequestException when the header of a CSV file is of no use */
export function lineReader(format: 'csv' | 'ndjson'): LineReader {
  const read = fieldsReader(format, readHeader);
  return ({ number, text }) => {
    const fields = read(text);
    if (fields === null) return null;
    return typeof fields === 'string' ? faulty(number, fields) : toSuppression(number, fields);
  };
}

const faulty = (line: number, message: string): ImportLine => ({
  kind: 'faulty',
  faults: [{ line, path: '', message }],
});

function readHeader(text: string): readonly string[] {
  const columns = (parseCsvLine(text) ?? []).map((cell) => cell.trim().toLowerCase());
  const unknown = columns.filter((column) => !IMPORT_COLUMNS.includes(column));
  const targets = ['address', 'address_hash', 'user_id'];
  const fault =
    unknown.length > 0
      ? `knows no column ${JSON.stringify(unknown[0])}; the columns are ${IMPORT_COLUMNS.join(', ')}, separated by commas`
      : new Set(columns).size < columns.length
        ? 'has a column twice'
        : targets.some((column) => columns.includes(column))
          ? null
          : `needs one of the columns ${targets.join(', ')}`;
  if (fault === null) return columns;
  const errors = [{ path: 'header', message: fault }];
  throw new BadRequestException({ code: 'INVALID_INPUT', detail: 'the first line must name the columns', errors });
}

/** Empty values and nulls count as left out: so a line of an export is a line of an import. */
function toSuppression(line: number, fields: Fields): ImportLine {
  const parsed = ImportedSuppression.safeParse(givenIn(fields));
  if (parsed.success) return { kind: 'suppression', line, suppression: parsed.data };
  const faults = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((path) => ({ line, path, message: 'is not known here' }))
      : [{ line, path: formatPath(issue.path), message: issue.message }],
  );
  return { kind: 'faulty', faults };
}
