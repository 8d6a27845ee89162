import { assert } from '../kernel/assert.js';
import { PHONE_PLACES } from './data/phone-places.data.js';
import { PHONE_ZONES } from './data/phone-zones.data.js';
import { PLACE_ZONES } from './data/place-zones.data.js';

type Table = ReadonlyMap<string, readonly string[]>;

/** Digits of a country code and what tells areas apart behind it; the tables look no further. */
const PREFIX_LENGTH_MAX = 4;

const LINE = /^([^\s:]+(?: [^\s:]+)*): ([^\s:]+(?: [^\s:]+)*)$/;

/**
 * Reads lines of `values: keys` into a table from key to values.
 *
 * @throws AssertionError on a line without a value or a key: "no zone" would be read as a zone of no name
 */
export function tableOf(text: string): Table {
  const table = new Map<string, readonly string[]>();
  for (const line of text.trim().split('\n')) {
    const [, values, keys] = LINE.exec(line) ?? [];
    assert(values !== undefined && keys !== undefined, `no line of a table: ${line}`);
    for (const key of keys.split(' ')) table.set(key, values.split(' '));
  }
  return table;
}

const phoneZones = tableOf(PHONE_ZONES);
const phonePlaces = tableOf(PHONE_PLACES);
const placeZones = tableOf(PLACE_ZONES);

/** What the longest known beginning of a number says. */
function byPrefix(table: Table, phone: string): readonly string[] {
  const digits = phone.replace(/[\s().-]/g, '');
  if (!/^\+[1-9]\d+$/.test(digits)) return [];
  for (let length = PREFIX_LENGTH_MAX; length > 0; length -= 1) {
    const found = table.get(digits.slice(1, 1 + length));
    if (found !== undefined) return found;
  }
  return [];
}

/**
 * IANA zones in one of which the owner of a number may be, by country code and area code. Mobile numbers that tell no
 * area stand for the whole country.
 *
 * @param phone with its country code, `+13055550100`
 * @returns none for a number without a country code, or of no country
 */
export function zonesOfPhone(phone: string): readonly string[] {
  return byPrefix(phoneZones, phone);
}

/**
 * ISO 3166 codes of places whose law may protect the owner of a number: of the state or province for area codes of the
 * United States and Canada, of the country or countries that share the code otherwise.
 *
 * @param phone with its country code, `+13055550100`
 * @returns none for a number without a country code, or of no country
 */
export function placesOfPhone(phone: string): readonly string[] {
  return byPrefix(phonePlaces, phone);
}

/**
 * IANA zones in which a place lies: all of them.
 *
 * @param code ISO 3166; a subdivision that the table does not know stands for its country
 * @returns none for an unknown country
 */
export function zonesOfPlace(code: string): readonly string[] {
  const place = code.toUpperCase();
  return placeZones.get(place) ?? placeZones.get(place.split('-')[0] ?? '') ?? [];
}
