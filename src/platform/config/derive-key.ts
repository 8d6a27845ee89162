import { hkdfSync } from 'node:crypto';
import type { Config } from './config.js';
import type { SecretKey } from './setting.js';

const KEY_BYTES = 32;

/** What a derived key is for. One purpose's key tells nothing about another's. */
export type KeyPurpose =
  | 'suppression'
  | 'unsubscribe'
  | 'operator-token'
  | 'preferences'
  | 'confirmation'
  | 'consent-receipt'
  | 'webhook-endpoint'
  | 'payload'
  | 'payload-key'
  | 'provider-account'
  | 'tracking'
  | 'inbox'
  | 'audience-sync';

/**
 * The key for one purpose, derived from a root secret with HKDF-SHA256 (RFC 5869).
 *
 * Links, receipts and tokens are signed with the key of `secrets.current` and verified with those of
 * `secrets.previous` too. Suppression hashes are made with one key for ever, that of the first secret (see
 * `AddressHasher`).
 *
 * @returns 32 bytes; the same for the same secret and purpose, for ever
 */
export function deriveKey(secret: SecretKey, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', secret.key, '', `tactful/${purpose}/v1`, KEY_BYTES));
}

/** The keys for one purpose of the present root secret and of the former ones, by key id. */
export const keysOf = ({ previous, current }: Config['secrets'], purpose: KeyPurpose): ReadonlyMap<string, Buffer> =>
  new Map([...previous, current].map((secret) => [secret.kid, deriveKey(secret, purpose)]));
