import fc from 'fast-check';
import { locationOf, TrackingTokens } from './tracking-tokens.js';

const secret = (kid: string, byte: number) => ({ kid, key: new Uint8Array(32).fill(byte) });
const http = { host: '127.0.0.1', port: 8000, publicUrl: 'https://journeys.example.com', bodyLimitBytes: 1 };
const tokensOf = (byte: number) =>
  new TrackingTokens({ secrets: { current: secret('now', byte), previous: [] }, http });
const tokens = tokensOf(1);
const deliveryId = '01890a5d-ac96-774b-bcce-b302099a8058';
const link = { deliveryId, brand: 'default', index: 3, url: 'https://shop.example/ü?a=1&b=2#c' };
const tokenOf = (url: string | null): string => url?.split('/').at(-1) ?? '';

/** Every text in which one bit of `token` is another one. */
const flippedOf = (token: string): string[] =>
  [...token].map(
    (character, index) =>
      token.slice(0, index) + String.fromCharCode(character.charCodeAt(0) ^ 1) + token.slice(index + 1),
  );

describe('TrackingTokens', () => {
  it('reads what it made, in addresses that need no escaping', () => {
    const url = tokens.linkUrl(link);
    expect(url).toMatch(/^https:\/\/journeys\.example\.com\/l\/[A-Za-z0-9._-]+$/);
    expect(tokens.readLink(tokenOf(url))).toEqual(link);
    const pixel = tokens.pixelUrl(link);
    expect(pixel).toMatch(/^https:\/\/journeys\.example\.com\/o\/[A-Za-z0-9._-]+\.gif$/);
    expect(tokens.readOpen(tokenOf(pixel))).toEqual({ deliveryId, brand: 'default' });
  });

  it('reads every link that it made, and makes none that a browser could not follow', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ withQueryParameters: true, withFragments: true }),
        fc.nat(65_535),
        fc.stringMatching(/^[a-z][a-z0-9_]{0,31}$/),
        (url, index, brand) => {
          const made = tokens.linkUrl({ deliveryId, brand, index, url });
          if (made !== null) expect(tokens.readLink(tokenOf(made))).toEqual({ deliveryId, brand, index, url });
        },
      ),
    );
    for (const url of [
      'https://',
      'https://[x]/',
      'javascript:alert(1)',
      'https://a b',
      '//x',
      'https://a.example\\@b',
    ]) {
      expect([url, tokens.linkUrl({ ...link, url })]).toEqual([url, null]);
    }
  });

  it('reads no token in which any one bit is flipped', () => {
    for (const token of flippedOf(tokenOf(tokens.linkUrl(link)))) {
      const read = tokens.readLink(token);
      // The last character of base64 holds bits that belong to no byte.
      if (read !== null) expect([token.slice(0, -1), read]).toEqual([tokenOf(tokens.linkUrl(link)).slice(0, -1), link]);
    }
    const pixel = tokenOf(tokens.pixelUrl(link));
    for (const file of flippedOf(pixel)) {
      if (tokens.readOpen(file) !== null) expect(file.slice(0, -5)).toBe(pixel.slice(0, -5));
    }
  });

  it('takes a link for no picture, a picture for no link, and neither from another secret', () => {
    const [token, file] = [tokenOf(tokens.linkUrl(link)), tokenOf(tokens.pixelUrl(link))];
    expect(tokens.readOpen(`${token}.gif`)).toBeNull();
    expect(tokens.readLink(file.replace('.gif', ''))).toBeNull();
    expect(tokens.readLink(file)).toBeNull();
    expect(tokens.readOpen(file.replace('.gif', ''))).toBeNull();
    expect(tokensOf(2).readLink(token)).toBeNull();
    expect(tokensOf(2).readOpen(file)).toBeNull();
    for (const text of ['', '.gif', 'x', 'a.b.c', `${token}.`, `${token}A`, 'x'.repeat(2_000)]) {
      expect([text, tokens.readLink(text), tokens.readOpen(text)]).toEqual([text, null, null]);
    }
  });

  it('makes nothing longer than what the path of a request may hold', () => {
    const long = (characters: number): string => `https://shop.example/${'x'.repeat(characters)}`;
    expect(tokenOf(tokens.linkUrl({ ...link, url: long(600) })).length).toBeLessThanOrEqual(1_000);
    expect(tokens.readLink(tokenOf(tokens.linkUrl({ ...link, url: long(600) })))?.url).toBe(long(600));
    expect(tokens.linkUrl({ ...link, url: long(800) })).toBeNull();
  });
});

describe('locationOf', () => {
  it('keeps what may stand in a header, and writes the rest as browsers do', () => {
    expect(locationOf('HTTPS://shop.example?a=%20#b')).toBe('HTTPS://shop.example?a=%20#b');
    expect(locationOf('https://müller.example/ü')).toBe('https://xn--mller-kva.example/%C3%BC');
  });
});
