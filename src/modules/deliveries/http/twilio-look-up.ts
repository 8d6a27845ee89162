import { MINUTE_MS } from '../../../core/kernel/instant.js';
import type { Sought } from '../connector.js';
import { baseUrlOf, credentialHeaders } from './http-account.js';
import type { Correspondence } from './http-protocol.js';
import { isTaken, textAt } from './http-result.js';
import { fingerprintOfText, listAt, type LookUp } from './look-up.js';

const PAGE_SIZE = '100';
/** By how much the clock of the provider may be behind ours. */
const CLOCKS_APART_MS = MINUTE_MS;

/**
 * The list of messages to a number, from the sender of the account. It shows nothing of what a message carries back, so
 * that ours is known by its words and its time. It is not narrowed by `DateSent`: a message that still waits in a queue
 * has no such date, and would be missing. Source: Twilio, "Message resource", List all Messages.
 */
export const twilioLookUp: LookUp = {
  questions({ address }, correspondence) {
    if (address === null) return [];
    const { from = '' } = correspondence.account.settings;
    // Who sends for a messaging service is decided later: its messages are told by the service.
    const sender: Record<string, string> = isService(from) ? {} : { From: from };
    const query = new URLSearchParams({ To: address, ...sender, PageSize: PAGE_SIZE });
    return [questionAt(`${pathOf(correspondence)}?${query.toString()}`, correspondence)];
  },

  read(answer, sought, correspondence) {
    const messages = isTaken(answer) ? listAt(answer.json, 'messages') : null;
    if (messages === null) return null;
    const listed = messages.flatMap((message) => {
      const id = textAt(message, 'sid');
      return id !== null && mayBe(message, sought, correspondence) ? [{ id, isAlike: isAlike(message, sought) }] : [];
    });
    const next = textAt(answer.json, 'next_page_uri');
    if (next === null) return { messages: listed, next: null };
    // The credentials go nowhere else.
    if (!next.startsWith(`${pathOf(correspondence)}?`)) return null;
    return { messages: listed, next: questionAt(next, correspondence) };
  },
};

const isService = (from: string): boolean => from.startsWith('MG');

const pathOf = ({ account }: Correspondence): string =>
  `/2010-04-01/Accounts/${account.settings['account_sid'] ?? ''}/Messages.json`;

function questionAt(path: string, { account }: Correspondence) {
  return { url: `${baseUrlOf(account)}${path}`, headers: credentialHeaders(account) };
}

/** Sent by us since the attempt began. What does not say so clearly may be it. */
function mayBe(message: unknown, { attemptedAt }: Sought, { account }: Correspondence): boolean {
  const { from = '' } = account.settings;
  const service = textAt(message, 'messaging_service_sid');
  const isOfAnother = isService(from) && service !== null && service !== from;
  const createdAt = Date.parse(textAt(message, 'date_created') ?? '');
  const isOlder = createdAt < attemptedAt - CLOCKS_APART_MS;
  return textAt(message, 'direction') !== 'inbound' && !isOfAnother && !isOlder;
}

function isAlike(message: unknown, { address, contentHash }: Sought): boolean {
  if (contentHash === null || textAt(message, 'to') !== address) return false;
  return fingerprintOfText(textAt(message, 'body') ?? '') === contentHash;
}
