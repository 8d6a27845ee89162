import { refuseUnstorable } from './body.js';
import { parseCsvLine } from './csv.js';

/** What one line holds, by column or by key. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the lines of a CSV or NDJSON file from its first one on, one by one: a text is what is wrong with the line, null
 * is a line without content, such as an empty one or the header of a CSV file.
 */
type FieldsReader = (text: string | null) => Fields | string | null;

/** @param readHeader gives the columns of a CSV file; what it throws of a header that is of no use reaches the reader's caller */
export function fieldsReader(format: 'csv' | 'ndjson', readHeader: (text: string) => readonly string[]): FieldsReader {
  let readFields: ((text: string) => Fields | string) | null = format === 'ndjson' ? readJson : null;
  return (text) => {
    if (text === null) return 'the line is too long';
    if (text.trim() === '') return null;
    if (readFields !== null) return readFields(text);
    readFields = csvReader(readHeader(text));
    return null;
  };
}

/** Empty values and nulls count as left out. */
export const givenIn = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '' && value !== null));

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
