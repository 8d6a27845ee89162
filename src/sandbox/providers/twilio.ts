import { randomBytes } from 'node:crypto';
import type { Endpoint, Reporter } from '../exchange.js';
import type { Setting } from '../setting.js';
import {
  basicOf,
  isText,
  json,
  keyOf,
  refused,
  type Answer,
  type Message,
  type Verdict,
  type WireRequest,
} from '../wire.js';
import { segmentsOf } from './sms-segments.js';
import { twilioPublisher } from './twilio-callbacks.js';
import { TwilioStore, type StoredText } from './twilio-store.js';
import { pageOf, VERSION, view } from './twilio-view.js';

// https://www.twilio.com/docs/messaging/api/message-resource

const TEXT_MAX = 1_600;
const E164 = /^\+[1-9]\d{6,14}$/;
const SENDER = /^(\+[1-9]\d{6,14}|\d{3,8}|[A-Za-z0-9 ]{1,11})$/;
const BASE = `/twilio/${VERSION}/Accounts/:account`;
const UNDELIVERED = { hard_bounce: 30_005, soft_bounce: 30_003 } as const;

const failure = (status: number, code: number, message: string): Answer =>
  json(status, { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });

const CODES: Readonly<Record<number, number>> = { 401: 20_003, 404: 20_404, 429: 20_429, 500: 20_500, 503: 20_503 };

const fail = (status: number): Answer => failure(status, CODES[status] ?? 20_001, 'told to fail');

/** Messages, their look-up, status callbacks. */
export function playTwilio({ app, exchange, callbacks, book, clock }: Setting): TwilioStore {
  const store = new TwilioStore();
  const refusalOf = (request: WireRequest): Answer | undefined => {
    const { account_sid: sid, auth_token: token } = book.now.twilio;
    const login = basicOf(request);
    const named = request.params['account']?.replace(/\.json$/, '');
    const isKnown = login?.user === sid && login.password === token && named === sid;
    return isKnown ? undefined : failure(401, 20_003, 'Authenticate');
  };

  const send: Endpoint = {
    desk: 'twilio',
    judge(request): Verdict {
      const fields = Object.fromEntries(new URLSearchParams(request.raw.toString('utf8')));
      const answer = refusalOf(request) ?? refusalOfText(fields, book.now.twilio.opted_out);
      if (answer !== undefined) return refused(answer);
      const text = textOf(fields, clock.now());
      const { account_sid: sid } = book.now.twilio;
      return { kind: 'taken', messages: [text.message], answer: json(201, view(text, sid)) };
    },
    failure: fail,
  };
  const lookUp = (answer: (request: WireRequest) => Answer, desk: Endpoint['desk'] = 'twilio_lookup'): Endpoint => ({
    desk,
    judge: (request) => ({ kind: 'taken', messages: [], answer: refusalOf(request) ?? answer(request) }),
    failure: fail,
  });

  exchange.reportBy(reporterOf(store, book, clock));
  callbacks.publishBy(twilioPublisher(book));
  exchange.route(app, 'POST', `${BASE}/Messages.json`, send);
  const list = lookUp(({ query, url }) => json(200, pageOf(store, query, url, book.now.twilio.account_sid)));
  exchange.route(app, 'GET', `${BASE}/Messages.json`, list);
  const one = lookUp(({ params }) => {
    const text = store.find((params['file'] ?? '').replace(/\.json$/, ''));
    return text === undefined ? failure(404, 20_404, 'Not found') : json(200, view(text, book.now.twilio.account_sid));
  });
  exchange.route(app, 'GET', `${BASE}/Messages/:file`, one);
  const account = lookUp(() => {
    const { account_sid: sid, auth_token: token, status } = book.now.twilio;
    return json(200, { sid, auth_token: token, friendly_name: 'sandbox', status, type: 'Full' });
  }, 'account_lookup');
  exchange.route(app, 'GET', BASE, account);
  return store;
}

type Fields = Readonly<Record<string, string>>;

function refusalOfText(fields: Fields, optedOut: readonly string[]): Answer | undefined {
  const { To: to, From: from, MessagingServiceSid: service, Body: text, StatusCallback: callback } = fields;
  if (!isText(to)) return failure(400, 21_604, "A 'To' phone number is required");
  if (!isText(from) && !isText(service)) return failure(400, 21_603, "A 'From' phone number is required");
  if (!isText(text)) return failure(400, 21_602, 'Message body is required');
  if (!E164.test(to)) return failure(400, 21_211, `Invalid 'To' Phone Number: ${to}`);
  if (isText(from) && !SENDER.test(from)) return failure(400, 21_212, `Invalid From Number: ${from}`);
  if (text.length > TEXT_MAX) return failure(400, 21_617, `The body exceeds ${TEXT_MAX} characters`);
  if (isText(callback) && !/^https?:\/\//.test(callback)) return failure(400, 21_609, 'Invalid StatusCallback');
  if (optedOut.includes(to)) return failure(400, 21_610, 'The recipient has unsubscribed');
  return undefined;
}

function textOf(fields: Fields, createdAtMs: number): StoredText {
  const {
    To: to = '',
    From: from,
    MessagingServiceSid: service = '',
    Body: text = '',
    StatusCallback: url = '',
  } = fields;
  const custom = url === '' ? {} : Object.fromEntries(new URL(url).searchParams);
  const id = `SM${randomBytes(16).toString('hex')}`;
  const message: Message = {
    id,
    recipient: to,
    key: keyOf(custom),
    custom,
    body: fields,
  };
  return {
    message,
    from: from ?? service,
    text,
    segments: segmentsOf(text),
    direction: 'outbound-api',
    createdAtMs,
    status: 'queued',
    errorCode: null,
  };
}

function reporterOf(store: TwilioStore, book: Setting['book'], clock: Setting['clock']): Reporter {
  return {
    provider: 'twilio',
    stages: (ending) =>
      ending === 'delivered'
        ? ['queued', 'sending', 'sent', 'delivered']
        : ['queued', 'sending', ...(ending === 'hard_bounce' ? ['sent', 'hard_bounce'] : ['soft_bounce'])],
    report(message, stage) {
      const status = { hard_bounce: 'undelivered', soft_bounce: 'failed' }[stage] ?? stage;
      if (['open', 'click', 'complaint', 'unsubscribe'].includes(stage)) return null;
      const fields = message.body as Fields;
      const errorCode = UNDELIVERED[stage as keyof typeof UNDELIVERED] ?? null;
      // The first report of a message is made as soon as it was accepted: only then may a look-up find it.
      if (store.find(message.id) === undefined) store.add(kept(message, fields, clock.now()));
      const event = {
        SmsSid: message.id,
        SmsStatus: status,
        MessageStatus: status,
        To: message.recipient,
        MessageSid: message.id,
        AccountSid: book.now.twilio.account_sid,
        From: fields['From'] ?? fields['MessagingServiceSid'] ?? '',
        ApiVersion: VERSION,
        ...(errorCode === null ? {} : { ErrorCode: String(errorCode) }),
      };
      return {
        name: status,
        url: isText(fields['StatusCallback']) ? fields['StatusCallback'] : null,
        event: () => event,
        onDue: () => Object.assign(store.find(message.id) ?? {}, { status, errorCode }),
      };
    },
  };
}

function kept(message: Message, fields: Fields, nowMs: number): StoredText {
  const text = textOf(fields, nowMs);
  return { ...text, message };
}
