import { instantText, spanText, valueText } from './text.js';

describe('what a reader is shown', () => {
  it.each([
    ['2027-06-16T04:00:00.000Z', '2027-06-16T04:00Z'],
    ['2027-06-16T04:03:07.000Z', '2027-06-16T04:03:07Z'],
    ['2027-06-16T04:03:06.001Z', '2027-06-16T04:03:07Z'],
    ['2027-06-16T04:03:59.999Z', '2027-06-16T04:04Z'],
  ])('the instant %s as %s', (at, expected) => {
    expect(instantText(Date.parse(at))).toBe(expected);
  });

  it.each([
    [86_400_000, '24 hours'],
    [604_800_000, '7 days'],
    [3_600_000, '1 hour'],
    [5_400_000, '90 minutes'],
    [1_000, '1 second'],
    [1_500, '1.5 seconds'],
  ])('%d ms as %s', (durationMs, expected) => {
    expect(spanText(durationMs)).toBe(expected);
  });

  it.each([
    [1, '1'],
    [1 / 3, '0.3333'],
    [-0.25, '-0.25'],
    [123_456, '123500'],
  ])('the value %d as %s', (value, expected) => {
    expect(valueText(value)).toBe(expected);
  });
});
