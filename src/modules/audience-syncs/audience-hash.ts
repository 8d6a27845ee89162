import { createHash } from 'node:crypto';
import { normaliseEmail, normalisePhone } from '../../platform/address/normalise-address.js';

/** By what a platform may know a person. */
export const IDENTIFIERS = ['email', 'phone'] as const;
export type Identifier = (typeof IDENTIFIERS)[number];

/**
 * An address as advertising platforms compare it: SHA-256 in hex, of the e-mail address in lower case, or of the digits of
 * the telephone number with its country and without a plus.
 *
 * @returns null for what is no address
 */
export function audienceHash(kind: Identifier, address: string): string | null {
  const text = kind === 'email' ? normaliseEmail(address) : (normalisePhone(address)?.slice(1) ?? null);
  return text === null ? null : createHash('sha256').update(text).digest('hex');
}
