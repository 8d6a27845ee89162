import { assert } from '../../../core/kernel/assert.js';
import type { RefusedFor } from '../connector.js';
import { baseUrlOf, credentialHeaders } from './http-account.js';
import type { HttpProtocol } from './http-protocol.js';
import { isTaken, resultOfRefusal, resultWithoutId, textAt } from './http-result.js';

/** The person has answered STOP there. */
const OPTED_OUT = '21610';
/** Not a number, cannot get texts, is a land line, or was never assigned. */
const RECIPIENT_CODES: ReadonlySet<string | null> = new Set(['21211', '21214', '21217', '21614']);

/** Twilio's Messages. It has no idempotency key; what became of a message in doubt is told by its status callback, or by `twilioLookUp`. */
export const twilio: HttpProtocol = {
  toRequest({ deliveryId, to, content }, { account, callbackUrl }) {
    assert(content.channel === 'sms', 'Twilio sends texts');
    const { account_sid: sid = '', from = '' } = account.settings;
    const form = new URLSearchParams({
      To: to,
      Body: content.text,
      ...(from.startsWith('MG') ? { MessagingServiceSid: from } : { From: from }),
      StatusCallback: `${callbackUrl}?delivery=${deliveryId}`,
    });
    return {
      url: `${baseUrlOf(account)}/2010-04-01/Accounts/${sid}/Messages.json`,
      headers: {
        ...credentialHeaders(account),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: form.toString(),
    };
  },

  toResult(answer) {
    if (!isTaken(answer)) {
      const code = textAt(answer.json, 'code');
      return resultOfRefusal(answer, { ...(code === null ? {} : { detail: `code ${code}` }), refusedFor: about(code) });
    }
    const sid = textAt(answer.json, 'sid');
    return sid === null ? resultWithoutId(answer) : { kind: 'accepted', providerMessageId: sid };
  },
};

function about(code: string | null): RefusedFor {
  if (code === OPTED_OUT) return 'opted_out';
  return RECIPIENT_CODES.has(code) ? 'recipient' : 'other';
}
