import { assert } from '../../../core/kernel/assert.js';
import { mailbox, mailHeaders } from '../mail-headers.js';
import { baseUrlOf, credentialHeaders } from './http-account.js';
import type { HttpProtocol } from './http-protocol.js';
import { isTaken, resultOfRefusal, resultWithoutId, textAt } from './http-result.js';

/** Mailgun's messages, version 3. It has no idempotency key. */
export const mailgun: HttpProtocol = {
  toRequest(message, { account, from, domain }) {
    const { deliveryId, to, content } = message;
    assert(content.channel === 'email', 'Mailgun sends e-mail');
    const headers = mailHeaders(message, domain);
    const form = new URLSearchParams({
      from: mailbox(from.name, from.address),
      to,
      subject: content.subject,
      text: content.text,
      html: content.html,
      'v:delivery_id': deliveryId,
      'o:tracking': 'no',
    });
    for (const [name, value] of Object.entries(headers)) form.set(`h:${name}`, value);
    return {
      url: `${baseUrlOf(account)}/v3/${account.settings['domain'] ?? ''}/messages`,
      headers: {
        ...credentialHeaders(account),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: form.toString(),
    };
  },

  toResult(answer) {
    if (!isTaken(answer)) return resultOfRefusal(answer);
    const id = textAt(answer.json, 'id');
    return id === null ? resultWithoutId(answer) : { kind: 'accepted', providerMessageId: id };
  },
};
