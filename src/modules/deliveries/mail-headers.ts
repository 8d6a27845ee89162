import type { OutboundMessage } from './connector.js';

/** A line has at most 998 characters (RFC 5322 section 2.1.1), the name of the header among them. */
const WITHDRAWALS_CHARACTERS_MAX = 998 - 'List-Unsubscribe: '.length;

/**
 * Which delivery it is, and of what needs consent (RFC 2919, RFC 8058) which list, where to withdraw, and that one POST
 * there is enough.
 */
export function mailHeaders(
  { deliveryId, unsubscribeUrl, unsubscribeMailto = null }: OutboundMessage,
  domain: string,
): Readonly<Record<string, string>> {
  const own = { 'X-Delivery-Id': deliveryId };
  if (unsubscribeUrl === null) return own;
  return {
    'List-Id': `<marketing.${domain}>`,
    'List-Unsubscribe': withdrawals(unsubscribeUrl, unsubscribeMailto),
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    ...own,
  };
}

/** Of several ways programs take the first that they know. One more that would make the line too long is left out. */
function withdrawals(url: string, mailto: string | null): string {
  const both = `<${url}>, <${mailto}>`;
  return mailto === null || both.length > WITHDRAWALS_CHARACTERS_MAX ? `<${url}>` : both;
}

/** RFC 5322 section 3.4, the name quoted. */
export const mailbox = (name: string, address: string): string =>
  name === '' ? address : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`;
