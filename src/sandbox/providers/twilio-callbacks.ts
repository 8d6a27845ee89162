import { createHmac, randomBytes } from 'node:crypto';
import type { AccountBook } from '../accounts.js';
import type { CallbackSender } from '../callbacks.js';
import type { CallbackResult, Publisher } from '../publisher.js';
import { segmentsOf } from './sms-segments.js';
import { VERSION } from './twilio-view.js';

// https://www.twilio.com/docs/usage/webhooks/webhooks-security and …/webhooks-connection-overrides

const TIMEOUT_MS = 15_000;
const RETRIES_MAX = 5;

/** Signs each request; tries again only as the address's `#rc=<count>&rp=<policy>` says, else once when nobody answers. */
export function twilioPublisher(book: AccountBook): Publisher {
  const tokens = new WeakMap<object, string>();
  const tokenOf = (event: object): string => {
    const token = tokens.get(event) ?? randomBytes(16).toString('hex');
    tokens.set(event, token);
    return token;
  };
  return {
    provider: 'twilio',
    batchMax: 1,
    batchWaitMs: 0,
    timeoutMs: TIMEOUT_MS,
    render([event], url) {
      const fields = event as Readonly<Record<string, string>>;
      return {
        headers: {
          'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
          'user-agent': 'TwilioProxy/1.1',
          'x-twilio-signature': signatureOf(book.now.twilio.auth_token, url, fields),
          'i-twilio-idempotency-token': tokenOf(fields),
        },
        body: new URLSearchParams(fields).toString(),
      };
    },
    nextInMs: (attempt, result, { url }) => (attempt <= retriesOf(url) && isRetried(result, url) ? 0 : null),
  };
}

/** base64 HMAC-SHA1 of the address without its fragment, followed by each name and value in the order of names. */
function signatureOf(token: string, url: string, fields: Readonly<Record<string, string>>): string {
  const [address = ''] = url.split('#');
  const sorted = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHmac('sha1', token)
    .update(address + sorted.flat().join(''))
    .digest('base64');
}

const fragmentOf = (url: string): URLSearchParams => new URLSearchParams(url.split('#')[1] ?? '');

function retriesOf(url: string): number {
  const count = fragmentOf(url).get('rc');
  return count === null ? 1 : Math.min(Math.max(Math.trunc(Number(count)) || 0, 0), RETRIES_MAX);
}

function isRetried({ status }: CallbackResult, url: string): boolean {
  const policies = (fragmentOf(url).get('rp') ?? 'ct').split(',');
  if (policies.includes('all')) return status === null || status >= 400;
  if (status === null) return policies.includes('ct') || policies.includes('rt');
  return policies.includes(`${Math.floor(status / 100)}xx`);
}

/** The words that Twilio acts upon by itself. */
const STOP = new Set(['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT']);
const START = new Set(['START', 'YES', 'UNSTOP']);
const HELP = new Set(['HELP', 'INFO']);

/**
 * A text from a person: the sandbox blocks or unblocks the number as Twilio does, and tells the account's webhook.
 *
 * @returns the sid; undefined when the account has no webhook for incoming texts
 */
export function receiveText(
  { book, callbacks }: { readonly book: AccountBook; readonly callbacks: CallbackSender },
  { from, to, body }: { readonly from: string; readonly to: string; readonly body: string },
): string | undefined {
  const { inbound_url: url, account_sid: account, opted_out: optedOut } = book.now.twilio;
  const kind = kindOf(body);
  const others = optedOut.filter((number) => number !== from);
  if (kind === 'STOP') book.change({ twilio: { opted_out: [...others, from] } });
  if (kind === 'START') book.change({ twilio: { opted_out: others } });
  if (url === null) return undefined;
  const sid = `SM${randomBytes(16).toString('hex')}`;
  const event = {
    ToCountry: '',
    SmsMessageSid: sid,
    NumMedia: '0',
    SmsSid: sid,
    SmsStatus: 'received',
    Body: body,
    FromCountry: '',
    To: to,
    NumSegments: String(segmentsOf(body)),
    MessageSid: sid,
    AccountSid: account,
    From: from,
    ApiVersion: VERSION,
    ...(kind === null ? {} : { OptOutType: kind }),
  };
  callbacks.post('twilio', url, { id: sid, name: 'received', event });
  return sid;
}

function kindOf(body: string): 'STOP' | 'START' | 'HELP' | null {
  const word = body.trim().toUpperCase();
  if (STOP.has(word)) return 'STOP';
  if (START.has(word)) return 'START';
  return HELP.has(word) ? 'HELP' : null;
}
