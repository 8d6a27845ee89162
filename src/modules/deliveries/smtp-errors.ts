import type { SendResult } from './connector.js';

interface SmtpError {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** RFC 3463, e.g. 5.1.1 for a mailbox that does not exist. */
const ENHANCED_STATUS = /\b[245]\.\d{1,3}\.\d{1,3}\b/;
const REFUSED_MIN = 500;
const DEFERRED_MIN = 400;
/** Our credentials, our name look-up, our TLS: nothing that the recipient's address could be blamed for. */
const OWN_FAULTS = new Set(['EAUTH', 'EDNS', 'ETLS', 'ECONNECTION', 'EPROTOCOL']);
/** The message or its addresses cannot be put on the wire at all. */
const MALFORMED = new Set(['EENVELOPE', 'EMESSAGE']);

/**
 * What an SMTP failure says about the message.
 *
 * A 5xx answer to an address or to the message is a refusal, a 4xx a request to come back (RFC 5321 section 4.2.1).
 * Without an answer all hangs on whether the message began to leave: a connection that breaks then may have broken
 * after the server took it, and SMTP offers no way to ask (section 4.5.4.1). The command in the error does not tell,
 * because a broken socket is reported as `CONN` at any time.
 *
 * @param hasBegunToLeave whether any byte of the message itself was read for sending
 */
export function classifySmtpError(error: unknown, hasBegunToLeave: boolean): SendResult {
  const { code = 'error', command = 'connection', responseCode, response = '' } = error as SmtpError;
  // Codes only: the words of the answer often repeat the address, which must not outlive the person.
  const status = ENHANCED_STATUS.exec(response)?.[0];
  const detail = [code, responseCode, status, `in ${command}`].filter((part) => part !== undefined).join(' ');
  if (responseCode !== undefined && responseCode >= DEFERRED_MIN) {
    const isOwnFault = responseCode < REFUSED_MIN || OWN_FAULTS.has(code);
    return { kind: isOwnFault ? 'unavailable' : 'rejected', detail };
  }
  if (hasBegunToLeave) return { kind: 'unknown', detail };
  return { kind: MALFORMED.has(code) ? 'rejected' : 'unavailable', detail };
}
