import type { SendResult } from './connector.js';

interface SmtpError {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** RFC 3463, e.g. 5.1.1 for a mailbox that does not exist. */
const ENHANCED_STATUS = /\b[245]\.\d{1,3}\.\d{1,3}\b/;
/** What stands behind the code of a reply, also of one of several lines. */
const STATUS_OF_REPLY = /^\d{3}[ -](5\.\d{1,3}\.\d{1,3})\b/;
/** RFC 3463 section 3.2 and 3.3: no such mailbox or system, moved, disabled. Not 5.1.7 to 5.1.9, which are about the sender. */
const RECIPIENT_STATUSES = new Set(['5.1.0', '5.1.1', '5.1.2', '5.1.3', '5.1.4', '5.1.6', '5.1.10', '5.2.1']);
/** RFC 5321 section 4.2.3 and RFC 7504, of a reply to RCPT: mailbox unavailable, not local, not allowed, no mail there. */
const RECIPIENT_CODES = new Set([550, 551, 553, 556]);
const REFUSED_MIN = 500;
const DEFERRED_MIN = 400;
/** Our credentials, our name look-up, our TLS: nothing that the recipient's address could be blamed for. */
const OWN_FAULTS = new Set(['EAUTH', 'EDNS', 'ETLS', 'ECONNECTION', 'EPROTOCOL']);
/** The message or its addresses cannot be put on the wire at all. */
const MALFORMED = new Set(['EENVELOPE', 'EMESSAGE']);

/** The connection broke, or its server said goodbye: nothing that this message brought about. */
const LOST = new Set(['ECONNECTION', 'ESOCKET', 'ETIMEDOUT']);
const GOODBYE = 421;

/** Whether the line went away, rather than that somebody refused what was sent over it. */
export function isLineLost(error: unknown): boolean {
  const { code = '', responseCode } = error as SmtpError;
  return responseCode === undefined ? LOST.has(code) : responseCode === GOODBYE;
}

/**
 * What an SMTP failure says about the message.
 *
 * A 5xx answer to an address or to the message is a refusal, a 4xx a request to come back (RFC 5321 section 4.2.1).
 * Without an answer all hangs on whether the message began to leave: a connection that breaks then may have broken
 * after the server took it, and SMTP offers no way to ask (section 4.5.4.1). The command in the error does not tell,
 * because a broken socket is reported as `CONN` at any time.
 *
 * @param hasBegunToLeave whether any byte of the message itself may have been handed over
 */
export function classifySmtpError(error: unknown, hasBegunToLeave: boolean): SendResult {
  const { code = 'error', command = 'connection', responseCode, response = '' } = error as SmtpError;
  // Codes only: the words of the answer often repeat the address, which must not outlive the person.
  const status = ENHANCED_STATUS.exec(response)?.[0];
  const detail = [code, responseCode, status, `in ${command}`].filter((part) => part !== undefined).join(' ');
  if (responseCode !== undefined && responseCode >= DEFERRED_MIN) {
    const isOwnFault = responseCode < REFUSED_MIN || OWN_FAULTS.has(code);
    if (isOwnFault) return { kind: 'unavailable', detail };
    const refusedFor = isRecipientRefused({ command, responseCode, response }) ? 'recipient' : 'other';
    return { kind: 'rejected', detail, refusedFor };
  }
  if (hasBegunToLeave) return { kind: 'unknown', detail };
  return MALFORMED.has(code) ? { kind: 'rejected', detail, refusedFor: 'other' } : { kind: 'unavailable', detail };
}

/**
 * Whether a refusal is one of the recipient, which would be the same for any message. An enhanced status decides where
 * there is one: servers also refuse at RCPT because of who sends (5.7.1), and a full mailbox (5.2.2) may have room again.
 */
function isRecipientRefused({ command, responseCode, response }: Required<Omit<SmtpError, 'code'>>): boolean {
  if (command === 'MAIL FROM') return false;
  const status = STATUS_OF_REPLY.exec(response)?.[1];
  if (status !== undefined) return RECIPIENT_STATUSES.has(status);
  return command === 'RCPT TO' && RECIPIENT_CODES.has(responseCode);
}
