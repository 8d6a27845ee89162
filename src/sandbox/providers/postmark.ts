import { randomInt, randomUUID } from 'node:crypto';
import type { Publisher } from '../publisher.js';
import type { Endpoint, Reporter } from '../exchange.js';
import type { Setting } from '../setting.js';
import { PostmarkStore, searchPage } from './postmark-search.js';
import {
  addressOf,
  isEmail,
  isObject,
  isText,
  json,
  keyOf,
  readObject,
  refused,
  textsOf,
  type Answer,
  type Message,
  type Verdict,
} from '../wire.js';

// https://postmarkapp.com/developer/user-guide/send-email-with-api, …/api/overview#error-codes and …/webhooks/webhooks-overview

const BYTES_MAX = 10 * 1024 * 1024;
const RECIPIENTS_MAX = 50;
const METADATA_FIELDS_MAX = 10;
const METADATA_NAME_MAX = 20;
const METADATA_VALUE_MAX = 80;
const TIMEOUT_MS = 120_000;
const MINUTE = 60_000;
const GAPS_OF_BOUNCES_MS = [1, 5, 10, 10, 10, 15, 30, 60, 120, 360].map((minutes) => minutes * MINUTE);
const GAPS_MS = [1, 5, 15].map((minutes) => minutes * MINUTE);

type Fields = Readonly<Record<string, unknown>>;

const failure = (status: number, code: number, message: string): Answer =>
  json(status, { ErrorCode: code, Message: message });

const addressesOf = (mail: Fields): readonly string[] =>
  ['To', 'Cc', 'Bcc'].flatMap((name) => (isText(mail[name]) ? mail[name].split(',').map(addressOf) : []));

/** The single e-mail endpoint, the search for sent messages, and its webhooks. */
export function playPostmark({ app, exchange, callbacks, book, clock }: Setting): void {
  const endpoint: Endpoint = {
    desk: 'postmark',
    judge({ headers, raw }): Verdict {
      const { server_token: token, inactive } = book.now.postmark;
      if (headers['x-postmark-server-token'] !== token)
        return refused(failure(401, 10, 'The server token is missing or wrong'));
      if (raw.length > BYTES_MAX) return refused(failure(413, 301, 'The message is larger than 10 MB'));
      if (!/^application\/json\b/i.test(headers['content-type'] ?? ''))
        return refused(failure(415, 409, 'The content type is not application/json'));
      const mail = readObject(raw);
      if (mail === undefined) return refused(failure(422, 402, 'The body is no valid JSON'));
      const fault = faultOf(mail, inactive);
      if (fault !== undefined) return refused(failure(422, fault.code, fault.message));
      const id = randomUUID();
      const answer = {
        To: mail['To'],
        SubmittedAt: new Date(clock.now()).toISOString(),
        MessageID: id,
        ErrorCode: 0,
        Message: 'OK',
      };
      return { kind: 'taken', messages: messagesOf(mail, id), answer: json(200, answer) };
    },
    failure: (status) => failure(status, status === 429 ? 429 : status >= 500 ? 100 : 300, 'told to fail'),
  };
  const store = new PostmarkStore();
  const search: Endpoint = {
    desk: 'postmark_lookup',
    judge({ headers, query }): Verdict {
      if (headers['x-postmark-server-token'] !== book.now.postmark.server_token)
        return refused(failure(401, 10, 'The server token is missing or wrong'));
      const page = searchPage(store, query);
      return page === null
        ? refused(failure(422, 300, 'count and offset are needed'))
        : { kind: 'taken', messages: [], answer: json(200, page) };
    },
    failure: endpoint.failure,
  };
  exchange.reportBy(reporterOf(book, store, clock));
  callbacks.publishBy(publisherOf(book));
  exchange.route(app, 'POST', '/postmark/email', endpoint);
  exchange.route(app, 'GET', '/postmark/messages/outbound', search);
  exchange.route(app, 'GET', '/postmark/server', {
    desk: 'account_lookup',
    judge({ headers }): Verdict {
      const { server_token: token } = book.now.postmark;
      if (headers['x-postmark-server-token'] !== token)
        return refused(failure(401, 10, 'The server token is missing or wrong'));
      const view = { ID: 1, Name: 'sandbox', ApiTokens: [token], DeliveryType: 'Sandbox' };
      return { kind: 'taken', messages: [], answer: json(200, view) };
    },
    failure: endpoint.failure,
  });
}

function faultOf(
  mail: Fields,
  inactive: readonly string[],
): { readonly code: number; readonly message: string } | undefined {
  const invalid = (message: string) => ({ code: 300, message });
  if (!isText(mail['From']) || !isEmail(addressOf(mail['From']))) return invalid("Invalid 'From' address");
  const recipients = addressesOf(mail);
  if (!isText(mail['To']) || !recipients.every(isEmail)) return invalid("Invalid 'To' address");
  if (recipients.length > RECIPIENTS_MAX) return invalid(`At most ${RECIPIENTS_MAX} recipients`);
  if (!isText(mail['TextBody']) && !isText(mail['HtmlBody'])) return invalid('TextBody or HtmlBody is needed');
  const metadata = Object.entries(isObject(mail['Metadata']) ? mail['Metadata'] : {});
  const isMetadataGood =
    metadata.length <= METADATA_FIELDS_MAX &&
    metadata.every(
      ([name, value]) =>
        name.length <= METADATA_NAME_MAX && typeof value === 'string' && value.length <= METADATA_VALUE_MAX,
    );
  if (!isMetadataGood) return invalid('Metadata has at most 10 fields of 20 characters with values of 80');
  if (recipients.every((address) => inactive.includes(address)))
    return { code: 406, message: 'All recipients are inactive' };
  return undefined;
}

function messagesOf(mail: Fields, id: string): readonly Message[] {
  const custom = textsOf(mail['Metadata']);
  return [...new Set(addressesOf(mail))].map((recipient) => ({
    id,
    recipient,
    key: keyOf(custom),
    custom,
    body: mail,
  }));
}

const bounce = (type: string, code: number, isInactive: boolean): object => ({
  RecordType: 'Bounce',
  Type: type,
  TypeCode: code,
  Name: type,
  Details: 'smtp;550 5.1.1 no such user',
  DumpAvailable: false,
  Inactive: isInactive,
  CanActivate: true,
});

/** What is particular to each record, and under which names it has the recipient and the instant. */
const STAGES: Readonly<Record<string, { readonly of: object; readonly who: string; readonly when: string }>> = {
  delivered: { of: { RecordType: 'Delivery', Details: '250 OK' }, who: 'Recipient', when: 'DeliveredAt' },
  hard_bounce: { of: bounce('HardBounce', 1, true), who: 'Email', when: 'BouncedAt' },
  soft_bounce: { of: bounce('SoftBounce', 4_096, false), who: 'Email', when: 'BouncedAt' },
  complaint: {
    of: { ...bounce('SpamComplaint', 512, true), RecordType: 'SpamComplaint' },
    who: 'Email',
    when: 'BouncedAt',
  },
  open: { of: { RecordType: 'Open', FirstOpen: true, UserAgent: 'sandbox' }, who: 'Recipient', when: 'ReceivedAt' },
  click: {
    of: { RecordType: 'Click', ClickLocation: 'HTML', OriginalLink: 'https://example.com/' },
    who: 'Recipient',
    when: 'ReceivedAt',
  },
  unsubscribe: {
    of: {
      RecordType: 'SubscriptionChange',
      SuppressSending: true,
      SuppressionReason: 'ManualSuppression',
      Origin: 'Recipient',
    },
    who: 'Recipient',
    when: 'ChangedAt',
  },
};

function reporterOf(book: Setting['book'], store: PostmarkStore, clock: Setting['clock']): Reporter {
  return {
    provider: 'postmark',
    stages: (ending) => [ending],
    report(message, stage) {
      // The first report of a message is made as soon as it was accepted: only then may a search find it.
      store.add(message, clock.now());
      const particular = STAGES[stage];
      if (particular === undefined) return null;
      const { of, who, when } = particular;
      const mail = message.body as Fields;
      const event = (atMs: number): unknown => ({
        ...of,
        ...('TypeCode' in of ? { ID: randomInt(2 ** 47) } : {}),
        ServerID: 1,
        MessageStream: mail['MessageStream'] ?? 'outbound',
        MessageID: message.id,
        Tag: mail['Tag'] ?? '',
        Metadata: message.custom,
        [who]: message.recipient,
        [when]: new Date(atMs).toISOString(),
      });
      const deactivates = stage === 'hard_bounce' || stage === 'complaint';
      const onDue = (): void => {
        const { inactive } = book.now.postmark;
        if (deactivates) book.change({ postmark: { inactive: [...new Set([...inactive, message.recipient])] } });
      };
      return { name: stage, url: book.now.postmark.callback_url, event, onDue };
    },
  };
}

function publisherOf(book: Setting['book']): Publisher {
  return {
    provider: 'postmark',
    batchMax: 1,
    batchWaitMs: 0,
    timeoutMs: TIMEOUT_MS,
    render([event]) {
      const { callback_user: user, callback_password: password } = book.now.postmark;
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      return {
        headers: { 'content-type': 'application/json', 'user-agent': 'Postmark', authorization },
        body: JSON.stringify(event),
      };
    },
    // 200 is success, 403 says never again.
    nextInMs(attempt, { status }, { names }) {
      const gaps = names.some((name) => name.endsWith('_bounce')) ? GAPS_OF_BOUNCES_MS : GAPS_MS;
      return status === 200 || status === 403 ? null : (gaps[attempt - 1] ?? null);
    },
  };
}
