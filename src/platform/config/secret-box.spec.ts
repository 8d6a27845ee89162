import { SecretBox } from './secret-box.js';
import type { SecretKey } from './setting.js';

const key = (kid: string, byte: number): SecretKey => ({ kid, key: new Uint8Array(32).fill(byte) });
const box = (current: SecretKey, ...previous: readonly SecretKey[]) =>
  new SecretBox({ current, previous }, 'webhook-endpoint');

describe('SecretBox', () => {
  const text = 'whsec_äöü';
  const sealed = box(key('a', 1)).seal(text, 'shop');

  it('opens what it sealed, and shows nothing of it', () => {
    expect(box(key('a', 1)).open(sealed, 'shop')).toBe(text);
    expect(sealed).not.toContain('whsec');
    expect(Buffer.from(sealed.split('.')[1] ?? '', 'base64url').includes(text)).toBe(false);
  });

  it('seals the same text differently each time', () => {
    expect(box(key('a', 1)).seal(text, 'shop')).not.toBe(sealed);
  });

  it('opens with a former key, and seals with the new one', () => {
    const rotated = box(key('b', 2), key('a', 1));
    expect(rotated.open(sealed, 'shop')).toBe(text);
    expect(rotated.seal(text, 'shop')).toMatch(/^b\./);
  });

  it('opens under no other name, with no other key, and nothing that was changed or cut', () => {
    expect(() => box(key('a', 1)).open(sealed, 'other')).toThrow();
    expect(() => box(key('a', 2)).open(sealed, 'shop')).toThrow();
    expect(() => box(key('b', 1)).open(sealed, 'shop')).toThrow('sealed with the key a');
    const bytes = Buffer.from(sealed.split('.')[1] ?? '', 'base64url');
    for (const index of [0, 12, 28, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      expect(() => box(key('a', 1)).open(`a.${changed.toString('base64url')}`, 'shop')).toThrow();
    }
    expect(() => box(key('a', 1)).open(`a.${bytes.subarray(0, 20).toString('base64url')}`, 'shop')).toThrow();
  });

  it('keeps the purposes of one root secret apart', () => {
    const secrets = { current: key('a', 1), previous: [] };
    expect(() => new SecretBox(secrets, 'confirmation').open(sealed, 'shop')).toThrow();
  });
});
