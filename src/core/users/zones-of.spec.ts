import { readFileSync } from 'node:fs';

import { MINUTE_MS } from '../kernel/instant.js';
import { isValidZone, zoneOffsetMs } from '../kernel/zone.js';
import { PHONE_PLACES } from './data/phone-places.data.js';
import { PHONE_ZONES } from './data/phone-zones.data.js';
import { PLACE_ZONES } from './data/place-zones.data.js';
import { placesOfPhone, tableOf, zonesOfPhone, zonesOfPlace } from './zones-of.js';

interface Row {
  readonly phone: string;
  readonly region: string;
  /** Zones that another source gives the number. */
  readonly zones: readonly string[];
}

const rows = JSON.parse(readFileSync('test/cases/phones.json', 'utf8')) as readonly Row[];
const clockOf = (zone: string): string =>
  ['2027-01-15T00:00:00Z', '2027-07-15T00:00:00Z']
    .map((text) => zoneOffsetMs(zone, Date.parse(text)) / MINUTE_MS)
    .join();
const sorted = (values: readonly string[]): readonly string[] => [...values].sort();

describe('tables', () => {
  it('leave no place and no number that they know without a zone or a law', () => {
    for (const table of [PHONE_ZONES, PHONE_PLACES, PLACE_ZONES]) {
      expect(
        table
          .trim()
          .split('\n')
          .filter((line) => !/^[\w/+-]+( [\w/+-]+)*: [\w-]+( [\w-]+)*$/.test(line)),
      ).toEqual([]);
    }
  });

  it.each([
    'Europe/Paris',
    ': 33',
    ' : 33',
    'Europe/Paris: ',
    'Europe/Paris  Europe/Berlin: 33',
    'Europe/Paris: 33  34',
  ])('are refused with a line such as %j, which would say "nowhere" of somebody', (line) => {
    expect(() => tableOf(`\nAfrica/Accra: 233\n${line}\n`)).toThrow('no line of a table');
  });

  it('name only zones that exist', () => {
    const zones = [...`${PHONE_ZONES}${PLACE_ZONES}`.matchAll(/[A-Z]\w+\/[\w/-]+/g)].map(([zone]) => zone);
    expect(new Set(zones).size).toBeGreaterThan(300);
    expect(zones.filter((zone) => !isValidZone(zone))).toEqual([]);
  });
});

describe('a phone number', () => {
  it('is compared with many', () => {
    expect(rows.length).toBeGreaterThan(700);
  });

  it.each(rows)('$phone is of $region and may be in each of $zones', ({ phone, region, zones }) => {
    const clocks = zonesOfPhone(phone).map(clockOf);
    expect(zones.filter((zone) => !clocks.includes(clockOf(zone)))).toEqual([]);
    expect(zonesOfPhone(phone)).not.toEqual([]);
    expect(placesOfPhone(phone).map((code) => code.replace(/^US-(AS|GU|MP|PR|VI)$/, '$1').slice(0, 2))).toContain(
      region,
    );
  });

  it.each<[string, string, readonly string[]]>([
    ['Manhattan', '+12125550100', ['America/New_York']],
    ['Miami', '+13055550100', ['America/New_York']],
    ['west Florida, two zones', '+18505550100', ['America/Chicago', 'America/New_York']],
    ['Texas with El Paso', '+19155550100', ['America/Denver']],
    ['Newfoundland and Labrador', '+17095550100', ['America/Halifax', 'America/St_Johns']],
    ['Nicaragua', '+50581234567', ['America/Managua']],
    ['Germany', '+4915112345678', ['Europe/Berlin']],
    ['Sydney, or Lord Howe', '+61255501234', ['Australia/Lord_Howe', 'Australia/Sydney']],
    ['Sao Paulo', '+5511961234567', ['America/Sao_Paulo']],
    ['Nepal', '+9779841234567', ['Asia/Kathmandu']],
    ['Kosovo', '+38343201234', ['Europe/Belgrade']],
    ['Ascension', '+24740123', ['Atlantic/St_Helena']],
    ['Tristan da Cunha, or Saint Helena', '+2908999', ['Atlantic/St_Helena']],
  ])('of %s: %s', (_name, phone, zones) => {
    expect(sorted(zonesOfPhone(phone))).toEqual(expect.arrayContaining([...zones]));
    expect(new Set(zonesOfPhone(phone).map(clockOf))).toEqual(new Set(zones.map(clockOf)));
  });

  it.each<[string, string, readonly string[]]>([
    ['a Russian mobile', '+79161234567', ['Europe/Kaliningrad', 'Europe/Moscow', 'Asia/Kamchatka']],
    ['an Australian mobile', '+61412345678', ['Australia/Perth', 'Australia/Sydney']],
    ['a Spanish mobile', '+34612345678', ['Atlantic/Canary', 'Europe/Madrid']],
    ['an Indonesian mobile', '+628123456789', ['Asia/Jakarta', 'Asia/Jayapura']],
    ['a toll-free number of North America', '+18005550100', ['Pacific/Honolulu', 'America/St_Johns']],
  ])('%s may be anywhere in its country', (_name, phone, some) => {
    expect(zonesOfPhone(phone)).toEqual(expect.arrayContaining([...some]));
  });

  it.each<[string, readonly string[]]>([
    ['+13055550100', ['US-FL']],
    ['+12125550100', ['US-NY']],
    ['+12035550100', ['US-CT']],
    ['+14055550100', ['US-OK']],
    ['+14105550100', ['US-MD']],
    ['+12015550100', ['US-NJ']],
    ['+17135550100', ['US-TX']],
    ['+12025550100', ['US-DC']],
    ['+14165550100', ['CA-ON']],
    ['+19025550100', ['CA-NS', 'CA-PE']],
    ['+17875550100', ['US-PR']],
    ['+18765550100', ['JM']],
    ['+18005550100', ['CA', 'US']],
    ['+33612345678', ['FR']],
    ['+77012345678', ['KZ']],
    ['+79161234567', ['RU']],
    ['+447700900123', ['GB', 'GG', 'IM', 'JE']],
  ])('%s: the laws of %j', (phone, places) => {
    expect(placesOfPhone(phone)).toEqual(places);
  });

  it.each(['', '3055550100', '+', '+0123456', 'tel', '+1305abc', '+999123456'])('%j says nothing', (phone) => {
    expect(zonesOfPhone(phone)).toEqual([]);
    expect(placesOfPhone(phone)).toEqual([]);
  });

  it('may be written with spaces, dots, hyphens and brackets', () => {
    expect(placesOfPhone('+1 (305) 555-01.00')).toEqual(['US-FL']);
  });
});

describe('a place', () => {
  it.each<[string, readonly string[]]>([
    ['FR', ['Europe/Paris']],
    ['FR-IDF', ['Europe/Paris']],
    ['US-FL', ['America/Chicago', 'America/New_York']],
    ['us-ca', ['America/Los_Angeles']],
    ['US-PR', ['America/Puerto_Rico']],
    ['PR', ['America/Puerto_Rico']],
    ['NO', ['Europe/Oslo']],
    ['XK', ['Europe/Belgrade']],
    ['AC', ['Atlantic/St_Helena']],
    ['TA', ['Atlantic/St_Helena']],
    ['XX', []],
    ['', []],
  ])('%s lies in %j', (code, zones) => {
    expect(sorted(zonesOfPlace(code))).toEqual(zones);
  });

  it('knows every state, and keeps all zones of a country in doubt', () => {
    const states = [...PLACE_ZONES.matchAll(/US-[A-Z]{2}/g)].map(([code]) => code);
    expect(new Set(states).size).toBe(56);
    const country = zonesOfPlace('US').map(clockOf);
    for (const state of states.filter((code) => !/-(AS|GU|MP|PR|VI)$/.test(code))) {
      expect(country).toEqual(expect.arrayContaining(zonesOfPlace(state).map(clockOf)));
    }
    expect(zonesOfPlace('US-XX')).toEqual(zonesOfPlace('US'));
  });
});
