import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;
const API_KEY = /^tk_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/;

/** Row of the key that BOOTSTRAP_API_KEY set: that one has no id in its text. */
export const BOOTSTRAP_KEY_ID = '00000000-0000-7000-8000-000000000001';

/** A new key: `tk_`, its id without dashes, and 256 random bits in base64url. It is shown once and stored nowhere. */
export function makeApiKey(id: string): string {
  return `tk_${id.replaceAll('-', '')}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** Whose key a text may be. Any text that has not our form can only be the bootstrap key. */
export function apiKeyId(text: string): string {
  const [, hex] = API_KEY.exec(text) ?? [];
  if (hex === undefined) return BOOTSTRAP_KEY_ID;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** What is stored. The secret has 256 random bits, so that one round of SHA-256 is enough. */
export function hashApiKey(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Compares in a time that tells nothing about where the first difference is. */
export function isApiKey(text: string, storedHash: string): boolean {
  const given = Buffer.from(hashApiKey(text), 'hex');
  const stored = Buffer.from(storedHash, 'hex');
  return given.length === stored.length && timingSafeEqual(given, stored);
}
