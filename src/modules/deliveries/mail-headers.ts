import type { OutboundMessage } from './connector.js';

/**
 * Which delivery it is, and of what needs consent (RFC 2919, RFC 8058) which list, where to withdraw, and that one POST
 * there is enough.
 */
export function mailHeaders(
  { deliveryId, unsubscribeUrl }: OutboundMessage,
  domain: string,
): Readonly<Record<string, string>> {
  const own = { 'X-Delivery-Id': deliveryId };
  if (unsubscribeUrl === null) return own;
  return {
    'List-Id': `<marketing.${domain}>`,
    'List-Unsubscribe': `<${unsubscribeUrl}>`,
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    ...own,
  };
}

/** RFC 5322 section 3.4, the name quoted. */
export const mailbox = (name: string, address: string): string =>
  name === '' ? address : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`;
