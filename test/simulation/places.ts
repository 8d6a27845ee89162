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

/** A number, what its first digits say of place and zone, and all the clocks of that place: written by hand. */
interface Phone {
  readonly number: string;
  readonly place: string;
  readonly zones: readonly string[];
  readonly clocks: readonly string[];
}

const phone = (number: string, place: string, zones: readonly string[], clocks = zones): Phone => ({
  number,
  place,
  zones,
  clocks,
});

const PHONES: readonly Phone[] = [
  phone('+13055550100', 'US-FL', ['America/New_York'], ['America/Chicago', 'America/New_York']),
  phone('+16025550100', 'US-AZ', ['America/Phoenix'], ['America/Denver', 'America/Phoenix']),
  phone('+33612345678', 'FR', ['Europe/Paris']),
  phone('+9779812345678', 'NP', ['Asia/Kathmandu']),
  phone('+81312345678', 'JP', ['Asia/Tokyo']),
  phone('+254712345678', 'KE', ['Africa/Nairobi']),
  phone('+64211234567', 'NZ', ['Pacific/Auckland', 'Pacific/Chatham']),
];

/** Where one person is, and what is stored of it. */
export interface Whereabouts {
  /** In one of which the person is. */
  readonly zones: readonly string[];
  /** Places whose law may protect the person. */
  readonly jurisdictions: readonly string[];
  /** Those of the places on whose clocks the person is not, with these clocks. */
  readonly elsewhere: readonly { readonly place: string; readonly clocks: readonly string[] }[];
  /** What the core is told, and has to find the rest from. */
  readonly hints: {
    readonly declaredZones: readonly string[];
    readonly places: readonly string[];
    readonly phone: string | null;
  };
}

/**
 * Where one person may be: mostly one zone, sometimes two that nobody can decide between. Some have a telephone number
 * of another place, whose law may then protect them too; of some nothing is known but the number.
 */
export function somewhere(random: Random): Whereabouts {
  const number = random.chance(0.25) ? random.pick(PHONES) : null;
  if (number !== null && random.chance(0.3)) {
    const hints = { declaredZones: [], places: [], phone: number.number };
    return { zones: number.zones, jurisdictions: [number.place], elsewhere: [], hints };
  }
  const found = [random.pick(PLACES), ...(random.chance(0.2) ? [random.pick(PLACES)] : [])];
  const zones = [...new Set(found.map(([zone]) => zone))];
  const places = [...new Set(found.flatMap(([, ...codes]) => (codes.length === 0 ? [] : [random.pick(codes)])))];
  const hints = { declaredZones: zones, places, phone: number?.number ?? null };
  if (number === null) return { zones, jurisdictions: places, elsewhere: [], hints };
  const { place, clocks } = number;
  const elsewhere = clocks.some((zone) => zones.includes(zone)) ? [] : [{ place, clocks }];
  return { zones, jurisdictions: [...new Set([...places, place])], elsewhere, hints };
}
