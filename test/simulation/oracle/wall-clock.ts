/** What a clock on the wall shows. */
export interface WallClock {
  /** `2027-03-14` */
  readonly date: string;
  /** 0-1439 */
  readonly minute: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const KNOWN_MAX = 30_000;

interface Zone {
  readonly format: Intl.DateTimeFormat;
  /** What it shows, by minute since 1970. */
  readonly known: Map<number, WallClock>;
}

const zones = new Map<string, Zone>();

/** Reads the clock of a zone through Intl alone, minute by minute: it shares nothing with the clock of the core. */
export function wallClock(zone: string, at: number): WallClock {
  const { format, known } = zoneNamed(zone);
  const key = Math.floor(at / MINUTE_MS);
  const remembered = known.get(key);
  if (remembered !== undefined) return remembered;
  const [date = '', time = ''] = format.format(at).split(' ');
  const shown = { date, minute: Number(time.slice(0, 2)) * 60 + Number(time.slice(3)) };
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(key, shown);
  return shown;
}

function zoneNamed(name: string): Zone {
  const found = zones.get(name);
  if (found !== undefined) return found;
  // The Swedish way to write a date is ISO 8601: `2027-03-14 09:05`.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: name, dateStyle: 'short', timeStyle: 'short' });
  const zone = { format, known: new Map<number, WallClock>() };
  zones.set(name, zone);
  return zone;
}

/** The date so many days later or, with a negative number, earlier. */
export function shiftDate(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10);
}

/** 1 Monday to 7 Sunday. */
export function weekdayOf(date: string): number {
  return new Date(date).getUTCDay() || 7;
}
