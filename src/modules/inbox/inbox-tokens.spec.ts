import { InboxTokens } from './inbox-tokens.js';

const USER = '01890a5d-ac96-774b-bcce-b302099a8057';
const signatureOf = (token: string): Buffer => Buffer.from(token.split('.')[2] ?? '', 'base64url');
const NOW = Date.UTC(2027, 5, 15);

describe('a token for an inbox', () => {
  const tokens = new InboxTokens({
    secrets: { current: { kid: 'spec', key: new Uint8Array(32).fill(5) }, previous: [] },
  });
  const token = tokens.make(USER, NOW + 60_000);

  it('opens the inbox of its person until it expires, and not a moment longer', () => {
    expect(tokens.read(token, NOW)).toBe(USER);
    expect(tokens.read(token, NOW + 59_999)).toBe(USER);
    expect(tokens.read(token, NOW + 60_000)).toBeNull();
  });

  it('opens nothing once a single character of it is another one', () => {
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A';
      const changed = `${token.slice(0, at)}${other}${token.slice(at + 1)}`;
      // Of the last character of the signature two bits say nothing.
      if (signatureOf(changed).equals(signatureOf(token)) && at === token.length - 1) continue;
      expect([at, tokens.read(changed, NOW)]).toEqual([at, null]);
    }
  });

  it.each(['', 'nonsense', `${token}.x`])('is no such thing: %j', (text) => {
    expect(tokens.read(text, NOW)).toBeNull();
  });
});
