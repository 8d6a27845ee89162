import { randomBytes, sign } from 'node:crypto';
import { byGaps, isSuccess, type Publisher } from '../publisher.js';
import type { Endpoint, Reporter } from '../exchange.js';
import type { Setting } from '../setting.js';
import {
  isObject,
  json,
  keyOf,
  readObject,
  refused,
  textsOf,
  type Answer,
  type Message,
  type Verdict,
  type WireRequest,
} from '../wire.js';
import { mailFaults, recipientsOf, type MailFault } from './sendgrid-faults.js';

// https://www.twilio.com/docs/sendgrid/api-reference/mail-send and …/for-developers/tracking-events/event

const BYTES_MAX = 30 * 1024 * 1024;
const LIMIT_PER_WINDOW = 600;
const WINDOW_S = 60;
const EVENTS_PER_POST_MAX = 1_000;
const GATHER_MS = 20;
const TIMEOUT_MS = 10_000;
const MINUTE = 60_000;
// Growing gaps for a day; SendGrid names the day, not the gaps.
const GAPS_MS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 417].map((minutes) => minutes * MINUTE);

const failure = (status: number, errors: readonly MailFault[], headers = {}): Answer =>
  json(status, { errors }, headers);
const single = (status: number, message: string, headers = {}): Answer =>
  failure(status, [{ message, field: null, help: null }], headers);

/** Mail Send, and the signed Event Webhook. */
export function playSendgrid({ app, exchange, callbacks, book, clock }: Setting): void {
  const limits = (remaining: number): Readonly<Record<string, string>> => ({
    'x-ratelimit-limit': String(LIMIT_PER_WINDOW),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(Math.floor(clock.now() / 1000) + WINDOW_S),
  });

  const isKnown = ({ headers }: WireRequest): boolean =>
    headers.authorization === `Bearer ${book.now.sendgrid.api_key}`;
  const unknown = refused(single(401, 'The authorization grant is invalid, expired or revoked'));
  const endpoint: Endpoint = {
    desk: 'sendgrid',
    judge(request): Verdict {
      const { headers, raw } = request;
      if (!isKnown(request)) return unknown;
      if (raw.length > BYTES_MAX) return refused(single(413, 'The request is larger than 30 MB'));
      if (!/^application\/json\b/i.test(headers['content-type'] ?? ''))
        return refused(single(415, 'The content type is not application/json'));
      const mail = readObject(raw);
      if (mail === undefined) return refused(single(400, 'Bad Request'));
      const faults = mailFaults(mail);
      if (faults.length > 0) return refused(failure(400, faults));
      const id = randomBytes(16).toString('base64url');
      const answer: Answer = {
        status: 202,
        headers: { 'x-message-id': id, ...limits(LIMIT_PER_WINDOW - 1) },
        body: '',
      };
      return { kind: 'taken', messages: messagesOf(mail, id), answer };
    },
    failure: (status) =>
      status === 429 ? single(429, 'too many requests', limits(0)) : single(status, 'told to fail'),
  };

  exchange.reportBy(reporterOf({ book }));
  callbacks.publishBy(publisherOf({ book, clock }));
  exchange.route(app, 'POST', '/sendgrid/v3/mail/send', endpoint);
  exchange.route(app, 'GET', '/sendgrid/v3/scopes', {
    desk: 'account_lookup',
    judge: (request) =>
      isKnown(request)
        ? { kind: 'taken', messages: [], answer: json(200, { scopes: book.now.sendgrid.scopes }) }
        : unknown,
    failure: endpoint.failure,
  });
}

function messagesOf(mail: Readonly<Record<string, unknown>>, id: string): readonly Message[] {
  const blocks = Array.isArray(mail['personalizations']) ? mail['personalizations'].filter(isObject) : [];
  return blocks.flatMap((block) => {
    const custom = { ...textsOf(mail['custom_args']), ...textsOf(block['custom_args']) };
    const body = { ...mail, personalizations: [block] };
    return recipientsOf(block).map((recipient) => ({ id, recipient, key: keyOf(custom), custom, body }));
  });
}

function reporterOf({ book }: Pick<Setting, 'book'>): Reporter {
  const particulars: Readonly<Record<string, object>> = {
    processed: { event: 'processed' },
    delivered: { event: 'delivered', response: '250 OK', tls: 1 },
    hard_bounce: { event: 'bounce', type: 'bounce', status: '5.1.1', reason: '550 5.1.1 no such user', tls: 1 },
    soft_bounce: { event: 'deferred', response: '452 4.2.2 mailbox full', attempt: '1' },
    open: { event: 'open', useragent: 'sandbox', ip: '192.0.2.1', sg_machine_open: false },
    click: {
      event: 'click',
      useragent: 'sandbox',
      ip: '192.0.2.1',
      url: 'https://example.com/',
      url_offset: { index: 0, type: 'html' },
    },
    complaint: { event: 'spamreport' },
    unsubscribe: { event: 'unsubscribe' },
  };
  return {
    provider: 'sendgrid',
    stages: (ending) => ['processed', ending],
    report(message, stage) {
      const particular = particulars[stage];
      if (particular === undefined) return null;
      const event = (atMs: number): unknown => ({
        ...message.custom,
        email: message.recipient,
        timestamp: Math.floor(atMs / 1000),
        'smtp-id': `<${message.id}@geopod-ismtpd-0>`,
        sg_event_id: randomBytes(16).toString('base64url'),
        sg_message_id: `${message.id}.recvd-0-0-0.0`,
        ...particular,
      });
      return { name: stage, url: book.now.sendgrid.callback_url, event };
    },
  };
}

function publisherOf({ book, clock }: Pick<Setting, 'book' | 'clock'>): Publisher {
  return {
    provider: 'sendgrid',
    batchMax: EVENTS_PER_POST_MAX,
    batchWaitMs: GATHER_MS,
    timeoutMs: TIMEOUT_MS,
    render(events) {
      // One event a line, with a line break of two characters at the end: whoever parses and writes anew breaks the signature.
      const body = `[${events.map((event) => JSON.stringify(event)).join(',\r\n')}]\r\n`;
      const timestamp = String(Math.floor(clock.now() / 1000));
      const signature = sign('sha256', Buffer.from(timestamp + body), book.now.sendgrid.callback_private_key);
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'SendGrid Event API',
        'x-twilio-email-event-webhook-signature': signature.toString('base64'),
        'x-twilio-email-event-webhook-timestamp': timestamp,
      };
      return { headers, body };
    },
    nextInMs: byGaps(GAPS_MS, isSuccess),
  };
}
