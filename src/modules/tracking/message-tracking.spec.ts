import { NO_TRACKING, type TrackingSettings } from '../../core/content/tracking.js';
import type { ConsentRecord } from '../../core/consent/consent-record.js';
import { MessageTracking } from './message-tracking.js';
import { TrackingTokens } from './tracking-tokens.js';

const publicUrl = 'https://us.example/tactful';
const http = { host: '127.0.0.1', port: 8000, publicUrl, bodyLimitBytes: 1 };
const secrets = { current: { kid: 'now', key: new Uint8Array(32).fill(1) }, previous: [] };
const trackingOf = (tracking: { purpose: string | null; links: boolean; opens: boolean }): MessageTracking =>
  new MessageTracking(new TrackingTokens({ secrets, http }), { http, tracking });
const everything = trackingOf({ purpose: 'tracking', links: true, opens: true });

const ask: TrackingSettings = { ...NO_TRACKING, links: true, opens: true };
const deliveryId = '01890a5d-ac96-774b-bcce-b302099a8058';
const place = { brand: 'default', channel: 'email', journey: 'welcome', step: 'hello', template: 'offer' };
const email = (html: string) => ({ channel: 'email', subject: 's', html, text: 'https://shop.example' }) as const;
const page = email('<a href="https://shop.example">x</a>');
const request = { content: page, settings: ask, hasConsent: true, deliveryId, place };

describe('MessageTracking', () => {
  it.each([
    ['no purpose is set', trackingOf({ purpose: null, links: true, opens: true }), request, 'switched_off'],
    ['it is switched off', trackingOf({ purpose: 'tracking', links: false, opens: false }), request, 'switched_off'],
    ['the person has not agreed', everything, { ...request, hasConsent: false }, 'no_consent'],
    ['the template asks for nothing', everything, { ...request, settings: NO_TRACKING }, 'not_asked'],
  ])('hands the very same message back where %s', (_what, tracking, asked, result) => {
    const applied = tracking.apply(asked);
    expect(applied.tracking).toBe(result);
    expect(applied.content).toBe(asked.content);
  });

  it('tracks links, openings, or both, as template and installation agree', () => {
    const htmlOf = (tracking: MessageTracking, settings: Partial<TrackingSettings>): string => {
      const { content } = tracking.apply({ ...request, settings: { ...NO_TRACKING, ...settings } });
      return content.channel === 'email' ? content.html : '';
    };
    const [link, pixel] = [
      /href="https:\/\/us\.example\/tactful\/l\//,
      /<img src="https:\/\/us\.example\/tactful\/o\/[^"]+\.gif"/,
    ];
    for (const [html, hasLink, hasPixel] of [
      [htmlOf(everything, { links: true }), true, false],
      [htmlOf(everything, { opens: true }), false, true],
      [htmlOf(everything, ask), true, true],
      [htmlOf(trackingOf({ purpose: 'tracking', links: false, opens: true }), ask), false, true],
      [htmlOf(trackingOf({ purpose: 'tracking', links: true, opens: false }), ask), true, false],
    ] as const) {
      expect([link.test(html), pixel.test(html)]).toEqual([hasLink, hasPixel]);
    }
  });

  it('never touches the pages by which people withdraw, nor any other of ours, and tracks a neighbour of them', () => {
    const own = [
      'unsubscribe/x',
      'preferences/x',
      'confirm/x',
      'callbacks/grid/x',
      'l/x',
      'o/x.gif',
      'api/users',
      'unsubscribe',
    ];
    for (const path of own) {
      const content = email(`<a href="${publicUrl}/${path}">x</a>`);
      expect(everything.apply({ ...request, settings: { ...NO_TRACKING, links: true }, content }).content).toEqual(
        content,
      );
    }
    for (const other of [`${publicUrl}/lamps`, 'https://us.example/unsubscribe/x', `${publicUrl}.evil.example/l/x`]) {
      const content = email(`<a href="${other}">x</a>`);
      expect(everything.apply({ ...request, content }).content).not.toEqual(content);
    }
  });

  it('leaves a text message as it is that would grow too long, and says so', () => {
    const settings = { ...NO_TRACKING, links: true, text: true };
    const short = { channel: 'sms', text: 'see https://shop.example/x' } as const;
    const tracked = everything.apply({ ...request, settings, content: short });
    expect(tracked.tracking).toBe('links');
    expect(tracked.content).toMatchObject({
      text: expect.stringMatching(/^see https:\/\/us\.example\/tactful\/l\/\S+$/),
    });
    const long = { channel: 'sms', text: `${'x'.repeat(1_480)} https://shop.example/x` } as const;
    expect(everything.apply({ ...request, settings, content: long })).toEqual({ content: long, tracking: 'too_long' });
  });

  describe('mayTrack', () => {
    const granted: ConsentRecord = {
      ...{ id: '1', purpose: 'tracking', channel: 'email', brand: 'default', status: 'granted', basis: 'consent' },
      ...{ statedAt: 1, receivedAt: 1, expiresAt: null, isObjection: false },
    } as const;
    const may = (record: Partial<ConsentRecord> | null, tracking = everything): boolean =>
      tracking.mayTrack({ consents: record === null ? [] : [{ ...granted, ...record }], now: 10 }, place);

    it('needs a grant of the purpose, for channel and brand, that holds', () => {
      expect(may({})).toBe(true);
      for (const other of [
        null,
        { purpose: 'marketing' },
        { channel: 'sms' },
        { brand: 'other' },
        { status: 'withdrawn' },
        { status: 'denied' },
        { status: 'pending' },
        { expiresAt: 10 },
        { basis: 'contract' },
      ] as const) {
        expect([other, may(other)]).toEqual([other, false]);
      }
      expect(may({}, trackingOf({ purpose: null, links: true, opens: true }))).toBe(false);
    });

    it('ends with an objection to everything', () => {
      const objection = {
        ...granted,
        id: '2',
        purpose: '*',
        channel: '*',
        brand: '*',
        status: 'withdrawn',
        statedAt: 2,
        receivedAt: 2,
        isObjection: true,
      } as const;
      expect(everything.mayTrack({ consents: [granted, objection], now: 10 }, place)).toBe(false);
    });
  });
});
