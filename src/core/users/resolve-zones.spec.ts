import fc from 'fast-check';

import { isValidZone } from '../kernel/zone.js';
import { resolveJurisdictions } from './resolve-jurisdictions.js';
import { resolveZones, type ZoneHints } from './resolve-zones.js';

const NOTHING: ZoneHints = {
  profileZone: null,
  contextZone: null,
  phone: null,
  jurisdiction: null,
  workspaceZone: 'Europe/Vienna',
};
const EVERYTHING: ZoneHints = {
  profileZone: 'Asia/Tokyo',
  contextZone: 'Asia/Kathmandu',
  phone: '+12125550100',
  jurisdiction: 'US-FL',
  workspaceZone: 'Europe/Vienna',
};

describe('resolveZones', () => {
  it.each<[string, Partial<ZoneHints>, readonly string[], boolean]>([
    ['profile', {}, ['Asia/Tokyo'], false],
    ['device', { profileZone: null }, ['Asia/Kathmandu'], false],
    ['device', { profileZone: 'Mars/Olympus' }, ['Asia/Kathmandu'], true],
    ['device', { profileZone: '+02:00' }, ['Asia/Kathmandu'], true],
    ['phone', { profileZone: null, contextZone: null }, ['America/New_York'], false],
    ['phone', { profileZone: null, contextZone: '' }, ['America/New_York'], true],
    ['place', { profileZone: null, contextZone: null, phone: null }, ['America/Chicago', 'America/New_York'], false],
    ['place', { profileZone: 'x', contextZone: 'y', phone: '12' }, ['America/Chicago', 'America/New_York'], true],
    ['workspace_default', NOTHING, ['Europe/Vienna'], false],
    ['workspace_default', { ...NOTHING, phone: '+999', jurisdiction: 'XX' }, ['Europe/Vienna'], false],
    ['workspace_default', { ...NOTHING, profileZone: 'GMT+1' }, ['Europe/Vienna'], true],
    ['profile', { contextZone: 'Mars/Olympus' }, ['Asia/Tokyo'], true],
  ])('%s decides with %j', (source, more, zones, isInvalid) => {
    const found = resolveZones({ ...EVERYTHING, ...more });
    expect({ ...found, zones: [...found.zones].sort() }).toEqual({ zones, source, isInvalid });
  });

  it.each<[string, Partial<ZoneHints>, string]>([
    ['a number of Kosovo', { phone: '+38343201234' }, 'Europe/Belgrade'],
    ['a number of Ascension', { phone: '+24740123' }, 'Atlantic/St_Helena'],
    ['Kosovo', { jurisdiction: 'XK' }, 'Europe/Belgrade'],
    ['Ascension', { jurisdiction: 'AC' }, 'Atlantic/St_Helena'],
    ['Tristan da Cunha', { jurisdiction: 'TA' }, 'Atlantic/St_Helena'],
  ])('%s, which has no row in the IANA tables, has the clock of %j', (_where, more, zone) => {
    expect(resolveZones({ ...NOTHING, ...more }).zones).toEqual([zone]);
  });

  it('keeps every zone that a number leaves open', () => {
    const found = resolveZones({ ...NOTHING, phone: '+12085550100' });
    expect(found.source).toBe('phone');
    expect(found.zones).toEqual(expect.arrayContaining(['America/Boise', 'America/Los_Angeles']));
  });

  it('never leaves a person without a zone that exists, whatever was written down', () => {
    const text = fc.option(
      fc.oneof(fc.string(), fc.constantFrom('Asia/Tokyo', 'US-FL', 'XK', '+4915112345678', '+38343201234')),
      {
        nil: null,
      },
    );
    const hints = fc.record({ profileZone: text, contextZone: text, phone: text, jurisdiction: text });
    fc.assert(
      fc.property(hints, (drawn) => {
        const { zones, isInvalid } = resolveZones({ ...NOTHING, ...drawn });
        expect(zones.length).toBeGreaterThan(0);
        expect(zones.filter((zone) => !isValidZone(zone))).toEqual([]);
        const given = [drawn.profileZone, drawn.contextZone];
        expect(isInvalid).toBe(given.some((zone) => zone !== null && !isValidZone(zone)));
      }),
    );
  });

  it('takes a workspace without a zone for a mistake', () => {
    expect(() => resolveZones({ ...NOTHING, workspaceZone: 'Mars/Olympus' })).toThrow('no such time zone');
  });
});

describe('resolveJurisdictions', () => {
  it.each<[string | null, string | null, readonly string[]]>([
    [null, null, []],
    ['US-NY', '+13055550100', ['US-FL', 'US-NY']],
    ['US-FL', '+13055550100', ['US-FL']],
    ['US', '+13055550100', ['US-FL']],
    ['FR', '+13055550100', ['FR', 'US-FL']],
    ['US-NY', null, ['US-NY']],
    ['us-ny', null, ['US-NY']],
    [null, '+18005550100', ['CA', 'US']],
    ['US-NY', '+18005550100', ['CA', 'US-NY']],
    ['Florida', '+33612345678', ['FR']],
    ['GB', '+447700900123', ['GB', 'GG', 'IM', 'JE']],
    ['', '5550100', []],
  ])('profile %j and phone %j: %j', (profileJurisdiction, phone, codes) => {
    expect(resolveJurisdictions({ profileJurisdiction, phone })).toEqual(codes);
  });
});
