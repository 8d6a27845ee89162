import { baseUrlOf, credentialHeaders } from './http-account.js';
import { isTaken, textAt } from './http-result.js';
import { listAt, type LookUp } from './look-up.js';

const COUNT = '50';
/** All that we send with. Without a name the search looks through `outbound` alone. */
const STREAMS = ['outbound', 'broadcast'] as const;

/**
 * The search for messages that carry our id in their metadata. What it shows is compared once more, so that a search that
 * ignores the filter finds nothing of others. Source: Postmark, "Messages API", Outbound message search.
 */
export const postmarkLookUp: LookUp = {
  questions({ deliveryId }, { account }) {
    const headers = { ...credentialHeaders(account), accept: 'application/json' };
    return STREAMS.map((messagestream) => {
      const query = new URLSearchParams({ count: COUNT, offset: '0', messagestream, metadata_delivery_id: deliveryId });
      return { url: `${baseUrlOf(account)}/messages/outbound?${query.toString()}`, headers };
    });
  },

  read(answer, { deliveryId }) {
    const messages = isTaken(answer) ? listAt(answer.json, 'Messages') : null;
    if (messages === null) return null;
    const found = messages.flatMap((message) => {
      const id = textAt(message, 'MessageID');
      return id !== null && textAt(message, 'Metadata', 'delivery_id') === deliveryId ? [{ id, isAlike: true }] : [];
    });
    // Messages of others are no answer to what was asked: ours may be behind them.
    if (found.length === 0 && messages.length > 0) return null;
    return { messages: found, next: null };
  },
};
