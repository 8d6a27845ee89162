import { UnsubscribeTokens } from './unsubscribe-tokens.js';

const secret = (kid: string, byte: number) => ({ kid, key: new Uint8Array(32).fill(byte) });
const http = { host: '127.0.0.1', port: 8000, publicUrl: 'https://journeys.example.com', bodyLimitBytes: 1 };
const tokens = new UnsubscribeTokens({ secrets: { current: secret('now', 1), previous: [] }, http });
const subject = {
  userId: '01890a5d-ac96-774b-bcce-b302099a8057',
  deliveryId: '01890a5d-ac96-774b-bcce-b302099a8058',
  purpose: 'marketing',
  channel: 'email',
  brand: 'default',
};

describe('UnsubscribeTokens', () => {
  it('reads what it made, and says it in a URL that needs no escaping', () => {
    expect(tokens.read(tokens.make(subject))).toEqual(subject);
    expect(tokens.urlFor(subject)).toMatch(/^https:\/\/journeys\.example\.com\/unsubscribe\/[A-Za-z0-9._-]+$/);
    expect(tokens.make(subject).length).toBeLessThan(200);
  });

  it('reads no token in which any one bit is flipped', () => {
    const token = tokens.make(subject);
    for (let index = 0; index < token.length; index += 1) {
      const flipped = String.fromCharCode(token.charCodeAt(index) ^ 1);
      const forged = token.slice(0, index) + flipped + token.slice(index + 1);
      // The last character of base64 holds bits that belong to no byte.
      const isSameBytes = index === token.length - 1 && tokens.read(forged) !== null;
      if (!isSameBytes) expect([index, tokens.read(forged)]).toEqual([index, null]);
    }
  });

  it.each([
    '',
    'x',
    '..',
    'a.b.c',
    `${tokens.make(subject)}.`,
    `${tokens.make(subject)}A`,
    tokens.make(subject).replace('now', 'old'),
  ])('reads nothing in %s', (token) => {
    expect(tokens.read(token)).toBeNull();
  });

  it('goes on to read old links after a change of the secret, until that secret is dropped', () => {
    const old = tokens.make(subject);
    const changed = new UnsubscribeTokens({
      secrets: { current: secret('next', 2), previous: [secret('now', 1)] },
      http,
    });
    expect(changed.read(old)).toEqual(subject);
    expect(changed.make(subject)).not.toBe(old);
    const dropped = new UnsubscribeTokens({ secrets: { current: secret('next', 2), previous: [] }, http });
    expect(dropped.read(old)).toBeNull();
  });

  it('makes no link whose words could be read in two ways', () => {
    expect(() => tokens.make({ ...subject, purpose: 'a b' })).toThrow();
  });
});
