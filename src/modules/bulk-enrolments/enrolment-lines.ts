import { BadRequestException } from '@nestjs/common';
import { refuseUnstorable } from '../../platform/http/body.js';
import { parseCsvLine } from '../../platform/http/csv.js';
import type { Line } from '../../platform/http/lines.js';
import { formatPath } from '../../platform/http/validation.pipe.js';
import { EnrolmentLine, LINE_COLUMNS } from './bulk-enrolments.dto.js';

/** One line with something in it. */
export type ReadLine =
  | { readonly kind: 'entry'; readonly line: number; readonly entry: EnrolmentLine }
  /** `detail` names the columns at fault, never their values. */
  | { readonly kind: 'faulty'; readonly line: number; readonly detail: string };

type Fields = Readonly<Record<string, unknown>>;

/** Reads the lines of a file one by one; null for a line without content: an empty one, or the header of a CSV file. */
export type LineReader = (line: Line) => ReadLine | null;

/** A reader of a file from its first line on. @throws BadRequestException when the header of a CSV file is of no use */
export function lineReader(format: 'csv' | 'ndjson'): LineReader {
  let readFields: ((text: string) => Fields | string) | null = format === 'ndjson' ? readJson : null;
  return ({ number: line, text }) => {
    if (text === null) return { kind: 'faulty', line, detail: 'the line is too long' };
    if (text.trim() === '') return null;
    if (readFields === null) {
      readFields = csvReader(readHeader(text));
      return null;
    }
    const fields = readFields(text);
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

function csvReader(columns: readonly string[]): (text: string) => Fields | string {
  return (text) => {
    const cells = parseCsvLine(text);
    if (cells === null) return 'the quotes are not in order';
    if (cells.length !== columns.length) return `has ${cells.length} values for ${columns.length} columns`;
    return Object.fromEntries(columns.map((column, index) => [column, cells[index]?.trim()]));
  };
}

function readJson(text: string): Fields | string {
  try {
    const value: unknown = JSON.parse(text);
    refuseUnstorable(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be a JSON object';
    return value as Fields;
  } catch (error) {
    return error instanceof SyntaxError ? 'the line is not JSON' : (error as Error).message;
  }
}

/** Empty values and nulls count as left out. */
function toEntry(line: number, fields: Fields): ReadLine {
  const given = Object.entries(fields).filter(([, value]) => value !== '' && value !== null);
  const parsed = EnrolmentLine.safeParse(Object.fromEntries(given));
  if (parsed.success) return { kind: 'entry', line, entry: parsed.data };
  const faults = parsed.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? 'has a field that is not known here'
      : `${formatPath(issue.path)}: ${issue.message}`,
  );
  return { kind: 'faulty', line, detail: faults.join('; ') };
}
