import { domainToASCII } from 'node:url';

const EMAIL_CHARACTERS_MAX = 254;
/** What z.email() takes too: users are stored with such addresses only, so no other one can be met again. */
const EMAIL = /^(?!\.)(?!.*\.\.)[a-z0-9_'+.-]*[a-z0-9_+-]@(?:[a-z0-9][a-z0-9-]*\.)+[a-z0-9-]{2,}$/;
const ASCII = /^[\x21-\x7e]*$/;
const E164 = /^\+[1-9]\d{6,14}$/;
/** Spaces, full stops, slashes, brackets, and every kind of hyphen and dash. */
const PHONE_SEPARATORS = /[\s./()\p{Pd}\u2212]/gu;
const TRUNK_ZERO = /^(\+.*)\(\s*0\s*\)/;

/**
 * One text for one e-mail address, however it is written: the whole address lower-cased (in practice no mail server tells
 * `Jane@` from `jane@`), without surrounding space, in Unicode's composed form (NFC), the domain in ASCII (IDNA).
 *
 * @returns null for what is no e-mail address
 */
export function normaliseEmail(text: string): string | null {
  const whole = text.trim().normalize('NFC').toLowerCase();
  const at = whole.lastIndexOf('@');
  const domain = whole.slice(at + 1);
  // Domains in ASCII are left as they are: the conversion would take some that are none for numbers.
  const address = ASCII.test(domain) ? whole : `${whole.slice(0, at + 1)}${domainToASCII(domain)}`;
  return address.length <= EMAIL_CHARACTERS_MAX && EMAIL.test(address) ? address : null;
}

/**
 * One text for one telephone number, however it is written: E.164, a plus and 7 to 15 digits. Separators, full-width
 * digits, `00` in place of the plus, `tel:` and a trunk zero in brackets, as in `+44 (0)20 …`, are understood. A number without
 * its country could be anybody's and is refused.
 *
 * @returns null for what is no number with a country
 */
export function normalisePhone(text: string): string | null {
  const plain = text.normalize('NFKC').trim().replace(/^tel:/i, '').replace(TRUNK_ZERO, '$1');
  const digits = plain.replace(PHONE_SEPARATORS, '').replace(/^00/, '+');
  return E164.test(digits) ? digits : null;
}
