import { assert } from '../../../core/kernel/assert.js';
import type { SendResult } from '../connector.js';
import { mailHeaders } from '../mail-headers.js';
import { baseUrlOf, credentialHeaders } from './http-account.js';
import type { HttpAnswer, HttpProtocol } from './http-protocol.js';
import { isTaken, resultOfRefusal, resultWithoutId, textAt } from './http-result.js';

/** SendGrid's Mail Send, version 3. It has no idempotency key and cannot be asked about a message. */
export const sendgrid: HttpProtocol = {
  toRequest(message, { account, from, domain }) {
    const { deliveryId, to, content } = message;
    assert(content.channel === 'email', 'SendGrid sends e-mail');
    const body = {
      personalizations: [{ to: [{ email: to }], custom_args: { delivery_id: deliveryId } }],
      from: { email: from.address, name: from.name },
      subject: content.subject,
      content: [
        { type: 'text/plain', value: content.text },
        { type: 'text/html', value: content.html },
      ],
      headers: mailHeaders(message, domain),
      // Links and pixels are ours to decide on, by the person's consent.
      tracking_settings: { click_tracking: { enable: false }, open_tracking: { enable: false } },
    };
    return {
      url: `${baseUrlOf(account)}/v3/mail/send`,
      headers: {
        ...credentialHeaders(account),
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    };
  },

  toResult(answer: HttpAnswer): SendResult {
    if (!isTaken(answer)) {
      const field = textAt(answer.json, 'errors', 0, 'field');
      const isRecipient = field !== null && /^personalizations\.\d+\.to\b/.test(field);
      return resultOfRefusal(answer, {
        ...(field === null ? {} : { detail: `field ${field}` }),
        refusedFor: isRecipient ? 'recipient' : 'other',
      });
    }
    const { 'x-message-id': id } = answer.headers;
    return typeof id === 'string' && id !== '' ? { kind: 'accepted', providerMessageId: id } : resultWithoutId(answer);
  },
};
