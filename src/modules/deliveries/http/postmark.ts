import { assert } from '../../../core/kernel/assert.js';
import { mailbox, mailHeaders } from '../mail-headers.js';
import { baseUrlOf, credentialHeaders } from './http-account.js';
import type { HttpProtocol } from './http-protocol.js';
import { isTaken, resultOfRefusal, resultWithoutId, textAt } from './http-result.js';

/** Invalid address; inactive recipient (it bounced, or complained). */
const RECIPIENT_CODES: ReadonlySet<string | null> = new Set(['300', '406']);

/** Postmark's single mail. It has no idempotency key. */
export const postmark: HttpProtocol = {
  toRequest(message, { account, from, domain }) {
    const { deliveryId, to, content, unsubscribeUrl } = message;
    assert(content.channel === 'email', 'Postmark sends e-mail');
    const headers = mailHeaders(message, domain);
    const body = {
      From: mailbox(from.name, from.address),
      To: to,
      Subject: content.subject,
      HtmlBody: content.html,
      TextBody: content.text,
      Headers: Object.entries(headers).map(([Name, Value]) => ({ Name, Value })),
      Metadata: { delivery_id: deliveryId },
      MessageStream: unsubscribeUrl === null ? 'outbound' : 'broadcast',
      TrackOpens: false,
      TrackLinks: 'None',
    };
    return {
      url: `${baseUrlOf(account)}/email`,
      headers: {
        ...credentialHeaders(account),
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: JSON.stringify(body),
    };
  },

  toResult(answer) {
    const code = textAt(answer.json, 'ErrorCode');
    if (!isTaken(answer)) {
      const refusedFor = RECIPIENT_CODES.has(code) ? 'recipient' : 'other';
      return resultOfRefusal(answer, { ...(code === null ? {} : { detail: `code ${code}` }), refusedFor });
    }
    const id = textAt(answer.json, 'MessageID');
    return id === null ? resultWithoutId(answer) : { kind: 'accepted', providerMessageId: id };
  },
};
