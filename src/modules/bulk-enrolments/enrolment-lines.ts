import { BadRequestException } from '@nestjs/common';
import { parseCsvLine } from '../../platform/http/csv.js';
import { fieldsReader, givenIn, type Fields } from '../../platform/http/line-fields.js';
import type { Line } from '../../platform/http/lines.js';
import { formatPath } from '../../platform/http/validation.pipe.js';
import { EnrolmentLine, LINE_COLUMNS } from './bulk-enrolments.dto.js';

/** One line with something in it. */
export type ReadLine =
  | { readonly kind: 'entry'; readonly line: number; readonly entry: EnrolmentLine }
  /** `detail` names the columns at fault, never their values. */
  | { readonly kind: 'faulty'; readonly line: number; readonly detail: string };

/** Reads the lines of a file one by one; null for a line without content: an empty one, or the header of a CSV file. */
export type LineReader = (line: Line) => ReadLine | null;

/** A reader of a file from its first line on. @throws BadRequestException when the header of a CSV file is of no use */
export function lineReader(format: 'csv' | 'ndjson'): LineReader {
  const read = fieldsReader(format, readHeader);
  return ({ number: line, text }) => {
    const fields = read(text);
    if (fields === null) return null;
    return typeof fields === 'string' ? { kind: 'faulty', line, detail: fields } : toEntry(line, fields);
  };
}

function readHeader(text: string): readonly string[] {
  const columns = (parseCsvLine(text.replace(/^\uFEFF/, '')) ?? []).map((cell) => cell.trim().toLowerCase());
  const unknown = columns.find((column) => !LINE_COLUMNS.includes(column));
  const isTwice = new Set(columns).size < columns.length;
  const hasUser = columns.includes('user_id') || columns.includes('external_id');
  if (unknown === undefined && !isTwice && hasUser) return columns;
  const message = `must be made of ${LINE_COLUMNS.join(', ')}, separated by commas, each once at most`;
  const errors = [{ path: 'header', message }];
  throw new BadRequestException({ code: 'INVALID_INPUT', detail: 'the first line must name the columns', errors });
}

function toEntry(line: number, fields: Fields): ReadLine {
  const parsed = EnrolmentLine.safeParse(givenIn(fields));
  if (parsed.success) return { kind: 'entry', line, entry: parsed.data };
  const faults = parsed.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? 'has a field that is not known here'
      : `${formatPath(issue.path)}: ${issue.message}`,
  );
  return { kind: 'faulty', line, detail: faults.join('; ') };
}
