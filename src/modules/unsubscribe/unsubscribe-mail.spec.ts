import { UnsubscribeMail } from './unsubscribe-mail.js';
import { UnsubscribeTokens } from './unsubscribe-tokens.js';
import type { UnsubscribeService } from './unsubscribe.service.js';

const http = { host: '127.0.0.1', port: 8000, publicUrl: 'https://us.example', bodyLimitBytes: 1 };
const secrets = { current: { kid: 'now', key: new Uint8Array(32).fill(1) }, previous: [] };
const tokens = new UnsubscribeTokens({ secrets, http });
const subject = {
  userId: '01890a5d-ac96-774b-bcce-b302099a8057',
  deliveryId: '01890a5d-ac96-774b-bcce-b302099a8058',
  purpose: 'marketing',
  channel: 'email',
  brand: 'default',
};

function mailOf(unsubscribeMailto: string | null) {
  const taken: string[] = [];
  const service = {
    withdraw: (token: string) => {
      if (tokens.read(token) !== null) taken.push(token);
      return Promise.resolve(tokens.read(token) === null ? null : {});
    },
  } as unknown as UnsubscribeService;
  const config = { email: { unsubscribeMailto } } as unknown as ConstructorParameters<typeof UnsubscribeMail>[2];
  return { taken, mail: new UnsubscribeMail(tokens, service, config) };
}

describe('UnsubscribeMail', () => {
  it('makes an address that a mail program reads back to the same subject', () => {
    expect(mailOf(null).mail.addressFor(subject)).toBeNull();
    const address = new URL(mailOf("o'out+list@in.example.org").mail.addressFor(subject) ?? '');
    expect([address.protocol, decodeURIComponent(address.pathname)]).toEqual(['mailto:', "o'out+list@in.example.org"]);
    expect(address.searchParams.get('subject')).toBe(`unsubscribe ${tokens.make(subject)}`);
    expect(address.href).toMatch(/^[\x21-\x7e]+$/);
    expect(address.href).not.toMatch(/[<>,]/);
  });

  it.each([
    ['as it was asked for', (token: string) => `unsubscribe ${token}`],
    ['by itself', (token: string) => token],
    ['passed on', (token: string) => `Fwd: Unsubscribe  ${token} (was: x)`],
    ['folded', (token: string) => `unsubscribe\r\n ${token}`],
  ])('finds the token in a subject: %s', async (_what, subjectOf) => {
    const { mail, taken } = mailOf('out@in.example.org');
    expect(await mail.take(subjectOf(tokens.make(subject)))).toBe(true);
    expect(taken).toEqual([tokens.make(subject)]);
  });

  it.each([
    ['no token', () => 'unsubscribe'],
    [
      'a forged one',
      (token: string) => `unsubscribe ${token.slice(0, 5)}${token[5] === 'A' ? 'B' : 'A'}${token.slice(6)}`,
    ],
    ['one that is cut', (token: string) => `unsubscribe ${token.slice(0, -1)}`],
    ['one in small letters', (token: string) => `unsubscribe ${token.toLowerCase()}`],
    ['one that is part of another word', (token: string) => `unsubscribe x.${token}`],
    ['one far behind', (token: string) => `${'x '.repeat(500)}${token}`],
  ])('does nothing with %s', async (_what, subjectOf) => {
    const { mail, taken } = mailOf('out@in.example.org');
    expect(await mail.take(subjectOf(tokens.make(subject)))).toBe(false);
    expect(taken).toEqual([]);
  });
});
