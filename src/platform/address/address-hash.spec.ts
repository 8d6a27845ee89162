import { AddressHasher } from './address-hash.js';

const secret = (kid: string, byte: number) => ({ kid, key: new Uint8Array(32).fill(byte) });
const hasher = (current: number, ...previous: readonly number[]) =>
  new AddressHasher({
    secrets: { current: secret(`c${current}`, current), previous: previous.map((byte) => secret(`p${byte}`, byte)) },
  });

describe('AddressHasher', () => {
  it('gives one hash for one address, however it is written', () => {
    const one = hasher(1);
    expect(one.hash('email', ' Jane.Doe@Example.COM ')).toBe(one.hash('email', 'jane.doe@example.com'));
    expect(one.hash('email', 'jane.doe@example.com')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('keeps addresses, channels and keys apart', () => {
    const hashes = [
      hasher(1).hash('email', 'a@example.com'),
      hasher(1).hash('email', 'b@example.com'),
      hasher(1).hash('sms', 'a@example.com'),
      hasher(2).hash('email', 'a@example.com'),
    ];
    expect(new Set(hashes).size).toBe(4);
  });

  it('gives the same hash after a change of the secret, and after another one', () => {
    const before = hasher(1).hash('email', 'a@example.com');
    expect(hasher(2, 1).hash('email', 'a@example.com')).toBe(before);
    expect(hasher(3, 2, 1).hash('email', 'a@example.com')).toBe(before);
  });
});
