import type { Random } from './random.js';

/** Zones of every continent, with half and three-quarter hours, shifts of 30 minutes and two hours, and the date line. */
const PLACES: readonly (readonly [zone: string, ...jurisdictions: string[]])[] = [
  ['America/New_York', 'US-NY', 'US-FL', 'US'],
  ['America/Phoenix', 'US-AZ'],
  ['America/St_Johns', 'CA-NL', 'CA'],
  ['America/Sao_Paulo', 'BR'],
  ['America/Santiago', 'CL'],
  ['America/Nuuk', 'GL'],
  ['Europe/Paris', 'FR'],
  ['Europe/London', 'GB'],
  ['Africa/Casablanca', 'MA'],
  ['Africa/Cairo', 'EG'],
  ['Africa/Nairobi', 'KE'],
  ['Asia/Kathmandu', 'NP'],
  ['Asia/Kolkata', 'IN'],
  ['Asia/Tehran', 'IR'],
  ['Asia/Tokyo', 'JP'],
  ['Australia/Lord_Howe', 'AU-NSW', 'AU'],
  ['Australia/Adelaide', 'AU-SA'],
  ['Pacific/Apia', 'WS'],
  ['Pacific/Chatham', 'NZ'],
  ['Pacific/Kiritimati', 'KI'],
  ['Antarctica/Troll', 'AQ'],
  ['UTC'],
];

/** When worlds begin: just before clocks change somewhere, a leap day, a turn of the year, a day that never was. */
export const STARTS: readonly string[] = [
  '2027-03-10',
  '2027-03-24',
  '2027-03-31',
  '2027-09-29',
  '2027-10-27',
  '2027-11-03',
  '2027-06-14',
  '2027-12-22',
  '2028-02-24',
  '2026-02-15',
  '2026-10-26',
  // Samoa had no 30 December 2011.
  '2011-12-24',
];

/** Every jurisdiction that a rule may name. */
export const JURISDICTIONS: readonly string[] = [...new Set(PLACES.flatMap(([, ...codes]) => codes))];

/** Where one person may be: mostly one zone, sometimes two that nobody can decide between. */
export function somewhere(random: Random): {
  readonly zones: readonly string[];
  readonly jurisdictions: readonly string[];
} {
  const found = [random.pick(PLACES), ...(random.chance(0.2) ? [random.pick(PLACES)] : [])];
  const zones = [...new Set(found.map(([zone]) => zone))];
  const jurisdictions = found.flatMap(([, ...codes]) => (codes.length === 0 ? [] : [random.pick(codes)]));
  return { zones, jurisdictions: [...new Set(jurisdictions)] };
}
