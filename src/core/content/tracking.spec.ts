import {
  decideTracking,
  DEFAULT_LABELS,
  isLabel,
  isTracked,
  labelsOf,
  NO_TRACKING,
  TRACKING_RESULTS,
} from './tracking.js';

const ALL = { links: true, opens: true };
const place = { brand: 'acme', channel: 'email', journey: 'welcome', step: 'day_3', template: 'offer' };

describe('decideTracking', () => {
  const wish = (links: boolean, opens: boolean, hasLabels = false) => ({
    ...NO_TRACKING,
    links,
    opens,
    utm: hasLabels ? DEFAULT_LABELS : null,
  });

  it.each([
    ['nothing is asked', wish(false, false), ALL, true, 'not_asked'],
    ['nothing is asked, and nobody may', wish(false, false), null, false, 'not_asked'],
    ['text alone is no wish', { ...NO_TRACKING, text: true }, ALL, true, 'not_asked'],
    ['no purpose is set, whatever was said', wish(true, true, true), null, true, 'switched_off'],
    ['both are switched off', wish(true, true), { links: false, opens: false }, true, 'switched_off'],
    [
      'links are switched off, and only they are asked for',
      wish(true, false),
      { links: false, opens: true },
      true,
      'switched_off',
    ],
    [
      'opens are switched off, and only they are asked for',
      wish(false, true),
      { links: true, opens: false },
      true,
      'switched_off',
    ],
    ['the person has not agreed', wish(true, true), ALL, false, 'no_consent'],
    ['the person has not agreed, to labels either', wish(false, false, true), ALL, false, 'no_consent'],
    ['both', wish(true, true), ALL, true, 'links_and_opens'],
    ['both, of which links are switched off', wish(true, true), { links: false, opens: true }, true, 'opens'],
    ['both, of which opens are switched off', wish(true, true), { links: true, opens: false }, true, 'links'],
    ['links', wish(true, false), ALL, true, 'links'],
    ['opens', wish(false, true), ALL, true, 'opens'],
    ['labels alone', wish(false, false, true), { links: false, opens: false }, true, 'labels'],
  ] as const)('%s', (_what, settings, allowed, hasConsent, result) => {
    expect(decideTracking({ settings, allowed, hasConsent })).toBe(result);
  });

  it('calls tracked what differs from the message that everybody gets', () => {
    expect(TRACKING_RESULTS.filter(isTracked)).toEqual(['links', 'opens', 'links_and_opens', 'labels']);
  });
});

describe('labelsOf', () => {
  it('fills in from where the message comes, and leaves out what is null', () => {
    expect(labelsOf(DEFAULT_LABELS, place)).toEqual([
      { name: 'utm_source', value: 'acme' },
      { name: 'utm_medium', value: 'email' },
      { name: 'utm_campaign', value: 'welcome' },
      { name: 'utm_content', value: 'offer' },
    ]);
    expect(labelsOf(null, place)).toEqual([]);
    const own = { source: null, medium: null, campaign: 'spring', term: '{template}-{step}', content: null };
    expect(labelsOf(own, place)).toEqual([
      { name: 'utm_campaign', value: 'spring' },
      { name: 'utm_term', value: 'offer-day_3' },
    ]);
  });

  it('knows its own places and no others', () => {
    expect(['x', '{brand}{channel}', 'a {journey} b {step}'].map(isLabel)).toEqual([true, true, true]);
    expect(['{user}', '{', '}', '{ brand }', '{{brand}}', '{Brand}'].map(isLabel)).toEqual(Array(6).fill(false));
  });
});
