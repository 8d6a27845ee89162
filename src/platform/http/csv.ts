const CELL = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

/**
 * Reads one line of comma-separated values after RFC 4180. A value may not hold a line break: so one forgotten quote
 * spoils its own line and no other.
 *
 * @returns null when the quotes are not in order
 */
export function parseCsvLine(text: string): readonly string[] | null {
  const cells: string[] = [];
  CELL.lastIndex = 0;
  for (;;) {
    const found = CELL.exec(text);
    if (found === null) return null;
    const [, quoted, plain = '', separator] = found;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (separator === '') return cells;
  }
}

/** Writes one line, its end included; null becomes an empty value. */
export function toCsvLine(cells: readonly (string | null)[]): string {
  const texts = cells.map((cell) => {
    const text = cell ?? '';
    return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${texts.join(',')}\r\n`;
}
