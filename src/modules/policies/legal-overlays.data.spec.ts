import { readFileSync } from 'node:fs';

import { instantOfLocal } from '../../core/kernel/local-instant.js';
import { DAY_MS, MINUTE_MS } from '../../core/kernel/instant.js';
import { findQuiet, nextAllowedInstant } from '../../core/quiet-hours/next-allowed-instant.js';
import { LEGAL_OVERLAYS } from './legal-overlays.data.js';
import { NewPolicy } from './policies.dto.js';
import { toRules } from './to-rules.js';

const rules = toRules(LEGAL_OVERLAYS.map((overlay) => ({ ...overlay, version: 1 }))).quietRules;
const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

interface Where {
  readonly zone: string;
  readonly places: readonly string[];
  readonly channel?: string;
}

const FLORIDA: Where = { zone: 'America/New_York', places: ['US-FL'] };
const OKLAHOMA: Where = { zone: 'America/Chicago', places: ['US-OK'] };
const MARYLAND: Where = { zone: 'America/New_York', places: ['US-MD'] };
const NEW_JERSEY: Where = { zone: 'America/New_York', places: ['US-NJ'] };
const CONNECTICUT: Where = { zone: 'America/New_York', places: ['US-CT'] };
const EL_PASO: Where = { zone: 'America/Denver', places: ['US-TX'] };
const CALIFORNIA: Where = { zone: 'America/Los_Angeles', places: ['US-CA'] };
const FRANCE: Where = { zone: 'Europe/Paris', places: ['FR'] };

function question({ zone, places, channel = 'sms' }: Where, date: string, time: string) {
  const at = instantOfLocal({ zone, date, minute: minuteOf(time) }).instant;
  return { rules, zones: [zone], channel, purpose: 'marketing', jurisdictions: places, at };
}
const quietBy = (where: Where, date: string, time: string): string | null =>
  findQuiet(question(where, date, time))?.rule.id ?? null;

describe('legal overlays', () => {
  it('are definitions that the API takes, each of the law and with its source', () => {
    for (const overlay of LEGAL_OVERLAYS) expect(NewPolicy.safeParse(overlay).error).toBeUndefined();
    expect(new Set(rules.map(({ id }) => id)).size).toBe(LEGAL_OVERLAYS.length);
    for (const { origin, source, jurisdictions, channels } of rules) {
      expect(origin).toBe('law');
      expect([source?.length, jurisdictions?.length, channels?.length]).not.toContain(0);
      expect([source, jurisdictions, channels]).not.toContain(null);
    }
  });

  // 2027-06-16 is a Wednesday, 2027-06-20 a Sunday. Each row: the last minute before quiet, the first allowed one after.
  it.each<[string, Where, string, string, string]>([
    ['us_federal_sms_calls', CALIFORNIA, '2027-06-16', '20:59', '08:00'],
    ['us_federal_sms_calls', CALIFORNIA, '2027-06-20', '20:59', '08:00'],
    ['us_federal_sms_calls', { ...CALIFORNIA, channel: 'voice' }, '2027-06-16', '20:59', '08:00'],
    ['us_fl_sms_calls', FLORIDA, '2027-06-16', '19:59', '08:00'],
    ['us_fl_sms_calls', FLORIDA, '2027-03-13', '19:59', '08:00'],
    ['us_fl_sms_calls', FLORIDA, '2027-11-06', '19:59', '08:00'],
    ['us_ok_sms_calls', OKLAHOMA, '2027-06-16', '19:59', '08:00'],
    ['us_md_sms_calls', MARYLAND, '2027-06-16', '19:59', '08:00'],
    ['us_federal_sms_calls', NEW_JERSEY, '2027-06-16', '20:59', '08:00'],
    ['us_ct_sms_calls', CONNECTICUT, '2027-06-16', '19:59', '09:00'],
    ['us_federal_sms_calls', EL_PASO, '2027-06-16', '20:59', '09:00'],
    ['us_federal_sms_calls', EL_PASO, '2027-06-20', '20:59', '09:00'],
    ['us_federal_sms_calls', EL_PASO, '2027-06-19', '20:59', '12:00'],
    ['fr_nights_sms', FRANCE, '2027-06-16', '21:59', '08:00'],
    ['us_fl_sms_calls', { ...FLORIDA, places: ['US-FL', 'US-TX'] }, '2027-06-16', '19:59', '09:00'],
  ])('%s in %j on %s: free until %s, then not before %s', (id, where, date, lastFree, nextFree) => {
    expect(quietBy(where, date, lastFree)).toBeNull();
    const evening = question(where, date, lastFree);
    const hit = { ...evening, at: evening.at + MINUTE_MS };
    expect(findQuiet(hit)?.rule.id).toBe(id);
    const tomorrow = new Date(Date.parse(date) + DAY_MS).toISOString().slice(0, 10);
    const opening = question(where, tomorrow, nextFree).at;
    expect(nextAllowedInstant(hit)).toBe(opening);
    expect(findQuiet({ ...hit, at: opening - 1 })).not.toBeNull();
  });

  it.each<[string, Where]>([
    ['an e-mail', { ...FLORIDA, channel: 'email' }],
    ['a call to France', { ...FRANCE, channel: 'voice' }],
    ['a person in Canada', { ...FLORIDA, places: ['CA-ON'] }],
    ['a person nobody knows where', { ...FLORIDA, places: [] }],
  ])('do not speak of %s', (_name, where) => {
    expect(quietBy(where, '2027-06-16', '23:00')).toBeNull();
  });

  it.each<[string, Where, string]>([
    ['us_fl_sms_calls', FLORIDA, '2021-06-30'],
    ['us_ok_sms_calls', OKLAHOMA, '2022-10-31'],
    ['us_md_sms_calls', MARYLAND, '2023-12-31'],
    ['us_ct_sms_calls', CONNECTICUT, '2023-09-30'],
  ])('%s in %j was not in force on %s yet', (id, where, date) => {
    expect(quietBy(where, date, '20:30')).toBeNull();
    const tomorrow = new Date(Date.parse(date) + DAY_MS).toISOString().slice(0, 10);
    expect(quietBy(where, tomorrow, '20:30')).toBe(id);
  });

  it('of New Jersey stands by itself, though the federal one says the same today', () => {
    const alone = rules.filter(({ id }) => id === 'us_nj_sms_calls');
    const quietAt = (time: string) => findQuiet({ ...question(NEW_JERSEY, '2027-06-16', time), rules: alone });
    expect(['07:59', '08:00', '20:59', '21:00'].map((time) => quietAt(time) !== null)).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  it('of Texas began with the law of 2025', () => {
    expect(quietBy(EL_PASO, '2025-08-31', '11:00')).toBeNull();
    expect(quietBy(EL_PASO, '2025-09-01', '08:30')).toBeNull();
    expect(quietBy(EL_PASO, '2025-09-02', '08:30')).toBe('us_tx_sms_calls');
    expect(quietBy(EL_PASO, '2025-09-07', '11:59')).toBe('us_tx_sundays_sms_calls');
  });

  const holidays = Object.entries(
    JSON.parse(readFileSync('test/cases/french-holidays.json', 'utf8')) as Record<string, readonly string[]>,
  );
  it.each(holidays)('of France know Sundays and the holidays of %s, and no other day', (year, expected) => {
    const days = Array.from({ length: 366 }, (_, day) =>
      new Date(Date.parse(`${year}-01-01`) + day * DAY_MS).toISOString().slice(0, 10),
    ).filter((date) => date.startsWith(year));
    const closed = days.filter((date) => quietBy(FRANCE, date, '15:00') !== null);
    const weekdayOf = (date: string): number => new Date(Date.parse(date)).getUTCDay();
    expect(closed).toEqual(days.filter((date) => weekdayOf(date) === 0 || expected.includes(date)));
  });

  it('of France close the whole day, from midnight to midnight', () => {
    expect(quietBy(FRANCE, '2027-05-06', '12:00')).toBe('fr_sundays_holidays_sms');
    expect(nextAllowedInstant(question(FRANCE, '2027-05-05', '22:00'))).toBe(
      question(FRANCE, '2027-05-07', '08:00').at,
    );
    // Saturday night, then Sunday, then the night to Whit Monday, then Whit Monday.
    expect(nextAllowedInstant(question(FRANCE, '2027-05-15', '22:00'))).toBe(
      question(FRANCE, '2027-05-18', '08:00').at,
    );
  });
});
