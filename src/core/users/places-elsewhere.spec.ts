import { placesElsewhere } from './places-elsewhere.js';

describe('placesElsewhere', () => {
  const TEXAS = { place: 'US-TX', zones: ['America/Chicago', 'America/Denver'] };

  it.each<[readonly string[], readonly string[], readonly { place: string; zones: readonly string[] }[]]>([
    [['America/New_York'], [], []],
    [['America/New_York'], ['US-NY'], []],
    [['America/New_York'], ['US-NY', 'US-TX'], [TEXAS]],
    [['America/Denver'], ['US-NY', 'US-TX'], [{ place: 'US-NY', zones: ['America/New_York'] }]],
    [['America/New_York', 'America/Chicago'], ['US-NY', 'US-TX'], []],
    [['America/New_York'], ['US'], []],
    [['Europe/Paris'], ['FR', 'XX'], []],
    // Old names of a clock, and clocks that have always been one.
    [['US/Eastern'], ['US', 'US-FL'], []],
    [['Asia/Calcutta'], ['IN'], []],
    [['America/Buenos_Aires'], ['AR'], []],
    [['Europe/Berlin'], ['NO'], []],
    // As far from UTC in winter and in summer, but clocks change on other days.
    [['Africa/Cairo'], ['LB'], [{ place: 'LB', zones: ['Asia/Beirut'] }]],
  ])('a person in %j under the laws of %j: %j', (zones, jurisdictions, expected) => {
    expect(placesElsewhere({ zones, jurisdictions })).toEqual(expected);
  });

  it('gives every clock of a country that has none of the person', () => {
    const [found] = placesElsewhere({ zones: ['Europe/Berlin'], jurisdictions: ['US'] });
    expect(found?.zones).toEqual(expect.arrayContaining(['America/New_York', 'Pacific/Honolulu', 'America/Anchorage']));
  });
});
