import { createECDH, randomBytes } from 'node:crypto';
import { ENCRYPTION_BYTES, encryptForBrowser } from './web-push-encryption.js';

/** RFC 8291, appendix A. */
const KEYS = {
  p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
  auth: 'BTBZMqHH6r4Tts7J_aSIgg',
};
const TEXT = Buffer.from('When I grow up, I want to be a watermelon');

describe('encryption for a browser', () => {
  it('makes of the example of RFC 8291 what the RFC makes of it', () => {
    const own = createECDH('prime256v1');
    own.setPrivateKey('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw', 'base64url');
    const salt = Buffer.from('DGv6ra1nlYgDCS1FRnbzlw', 'base64url');
    expect(encryptForBrowser(TEXT, KEYS, { own, salt }).toString('base64url')).toBe(
      'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
    );
  });

  it('draws a key and a salt for each message', () => {
    const [one, other] = [encryptForBrowser(TEXT, KEYS), encryptForBrowser(TEXT, KEYS)];
    expect(one.subarray(0, 16)).not.toEqual(other.subarray(0, 16));
    expect(one.subarray(21, 86)).not.toEqual(other.subarray(21, 86));
  });

  it.each([0, 1, 3_993])('adds the same to %i bytes', (bytes) => {
    expect(encryptForBrowser(randomBytes(bytes), KEYS)).toHaveLength(bytes + ENCRYPTION_BYTES);
  });

  it('refuses a key that is no point of the curve', () => {
    const p256dh = Buffer.alloc(65, 4).toString('base64url');
    expect(() => encryptForBrowser(TEXT, { ...KEYS, p256dh })).toThrow();
  });
});
