import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

const FILE = fileURLToPath(new URL('../../data/online-shoppers/online_shoppers_intention.csv.br', import.meta.url));
const SHA256 = 'ed94c9c95b15c20333f0539e69e06f4139ba9dd42cc8634f624c1595e02601f9';

const COLUMNS =
  'Administrative,Administrative_Duration,Informational,Informational_Duration,ProductRelated,ProductRelated_Duration,BounceRates,ExitRates,PageValues,SpecialDay,Month,OperatingSystems,Browser,Region,TrafficType,VisitorType,Weekend,Revenue';

/** One visit of one person to a web shop, as recorded. Durations in seconds; codes are anonymous numbers. */
export interface ShopSession {
  /** Row of the file, from 1. */
  readonly number: number;
  readonly accountPages: number;
  readonly accountSeconds: number;
  readonly informationPages: number;
  readonly informationSeconds: number;
  readonly productPages: number;
  readonly productSeconds: number;
  /** Means over the pages seen, as the shop's analytics gave them: 0 to 0.2. */
  readonly bounceRate: number;
  readonly exitRate: number;
  /** Mean money that a visit to these pages was worth; 0 for most. */
  readonly pageValue: number;
  /** Closeness to a day such as Mother's Day, 0 to 1. */
  readonly specialDay: number;
  readonly month: string;
  readonly operatingSystem: number;
  readonly browser: number;
  /** 1 to 9; the publishers do not say which is which. */
  readonly region: number;
  readonly trafficType: number;
  readonly visitorType: 'returning' | 'new' | 'other';
  readonly isWeekend: boolean;
  readonly isPurchase: boolean;
}

/**
 * The 12,330 sessions that come with the project.
 *
 * @throws Error if the file is not the one whose licence and origin data/online-shoppers/README.md states
 */
export function readSessions(): readonly ShopSession[] {
  const csv = brotliDecompressSync(readFileSync(FILE));
  const found = createHash('sha256').update(csv).digest('hex');
  if (found !== SHA256) throw new Error(`${FILE} is damaged: its SHA-256 is ${found}`);
  return parseSessions(csv.toString('utf8'));
}

/**
 * Reads the published CSV.
 *
 * @throws Error that names the line of the first fault
 */
export function parseSessions(csv: string): readonly ShopSession[] {
  const [header, ...lines] = csv.trimEnd().split(/\r?\n/);
  if (header !== COLUMNS) throw new Error('line 1: these are other columns');
  return lines.map((line, index) => parseSession(line.split(','), index + 1));
}

const VISITOR_TYPES: Readonly<Record<string, ShopSession['visitorType']>> = {
  Returning_Visitor: 'returning',
  New_Visitor: 'new',
  Other: 'other',
};

function parseSession(cells: readonly string[], row: number): ShopSession {
  if (cells.length !== 18) throw new Error(`line ${row + 1}: ${cells.length} columns instead of 18`);
  const text = (column: number): string => cells[column] ?? '';
  const number = (column: number): number => {
    const value = Number(text(column));
    if (text(column) === '' || !Number.isFinite(value))
      throw new Error(`line ${row + 1}: "${text(column)}" is no number`);
    return value;
  };
  const visitorType = VISITOR_TYPES[text(15)];
  if (visitorType === undefined) throw new Error(`line ${row + 1}: "${text(15)}" is no type of visitor`);
  return {
    number: row,
    accountPages: number(0),
    accountSeconds: number(1),
    informationPages: number(2),
    informationSeconds: number(3),
    productPages: number(4),
    productSeconds: number(5),
    bounceRate: number(6),
    exitRate: number(7),
    pageValue: number(8),
    specialDay: number(9),
    month: text(10),
    operatingSystem: number(11),
    browser: number(12),
    region: number(13),
    trafficType: number(14),
    visitorType,
    isWeekend: text(16) === 'TRUE',
    isPurchase: text(17) === 'TRUE',
  };
}
