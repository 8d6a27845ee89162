import { createHmac, randomBytes } from 'node:crypto';
import type { Publisher } from '../publisher.js';
import type { Endpoint, Reporter } from '../exchange.js';
import type { Setting } from '../setting.js';
import {
  addressOf,
  basicOf,
  isEmail,
  json,
  keyOf,
  plain,
  refused,
  type Answer,
  type Message,
  type Verdict,
  type WireRequest,
} from '../wire.js';

// https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages and …/user-manual/webhooks

const BYTES_MAX = 25 * 1024 * 1024;
const RECIPIENTS_MAX = 1_000;
const CONTENTS = ['text', 'html', 'amp-html', 'template'];
const TIMEOUT_MS = 10_000;
const MINUTE = 60_000;
const GAPS_MS = [5, 10, 15, 60, 120, 240].map((minutes) => minutes * MINUTE);

const failure = (status: number, message: string): Answer => json(status, { message });

/** The Messages API and its signed webhooks. */
export function playMailgun({ app, exchange, callbacks, book, clock }: Setting): void {
  const refusalOf = (request: WireRequest): Answer | undefined => {
    const { domain, api_key: apiKey } = book.now.mailgun;
    const login = basicOf(request);
    if (login?.user !== 'api' || login.password !== apiKey) return plain(401, 'Forbidden');
    const { domain: named } = request.params;
    return named === domain ? undefined : failure(404, `Domain not found: ${named}`);
  };
  const endpoint: Endpoint = {
    desk: 'mailgun',
    async judge(request): Promise<Verdict> {
      const { domain } = book.now.mailgun;
      const refusal = refusalOf(request);
      if (refusal !== undefined) return refused(refusal);
      if (request.raw.length > BYTES_MAX) return refused(failure(413, 'The message is larger than 25 MB'));
      const form = await formOf(request);
      if (form === undefined) return refused(failure(400, 'The body is neither multipart/form-data nor urlencoded'));
      const recipients = ['to', 'cc', 'bcc'].flatMap((name) => addressesOf(form.getAll(name)));
      const fault = faultOf(form, recipients);
      if (fault !== undefined) return refused(failure(400, fault));
      const id = `<${clock.now()}.${randomBytes(8).toString('hex')}@${domain}>`;
      const messages = messagesOf(form, recipients, id);
      return { kind: 'taken', messages, answer: json(200, { id, message: 'Queued. Thank you.' }) };
    },
    failure: (status) => failure(status, status === 429 ? 'Too many requests' : 'told to fail'),
  };
  exchange.reportBy(reporterOf(book));
  callbacks.publishBy(publisherOf(book, clock));
  exchange.route(app, 'POST', '/mailgun/v3/:domain/messages', endpoint);
  exchange.route(app, 'GET', '/mailgun/v4/domains/:domain', {
    desk: 'account_lookup',
    judge(request): Verdict {
      const refusal = refusalOf(request);
      const { domain: name, state } = book.now.mailgun;
      const view = { domain: { name, state, type: 'custom' }, receiving_dns_records: [], sending_dns_records: [] };
      return refusal === undefined ? { kind: 'taken', messages: [], answer: json(200, view) } : refused(refusal);
    },
    failure: endpoint.failure,
  });
}

type Form = Awaited<ReturnType<Response['formData']>>;

async function formOf({ headers, raw }: WireRequest): Promise<Form | undefined> {
  try {
    return await new Response(new Uint8Array(raw), {
      headers: { 'content-type': headers['content-type'] ?? '' },
    }).formData();
  } catch {
    return undefined;
  }
}

const addressesOf = (values: readonly unknown[]): readonly string[] =>
  values.flatMap((value) => String(value).split(',')).map(addressOf);

function faultOf(form: Form, recipients: readonly string[]): string | undefined {
  if (!form.has('from')) return 'from parameter is missing';
  if (!isEmail(addressOf(String(form.get('from'))))) return "'from' parameter is not a valid address";
  if (!form.has('to')) return 'to parameter is missing';
  if (!recipients.every(isEmail)) return "'to' parameter is not a valid address";
  if (recipients.length > RECIPIENTS_MAX) return `at most ${RECIPIENTS_MAX} recipients`;
  if (!CONTENTS.some((name) => form.has(name))) return `one of ${CONTENTS.join(', ')} is needed`;
  return undefined;
}

function messagesOf(form: Form, recipients: readonly string[], id: string): readonly Message[] {
  const body: Record<string, string | string[]> = {};
  for (const name of new Set(form.keys())) {
    const values = form.getAll(name).map((value) => (typeof value === 'string' ? value : `(file ${value.name})`));
    body[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  const custom = Object.fromEntries(
    Object.entries(body).flatMap(([name, value]) =>
      name.startsWith('v:') && typeof value === 'string' ? [[name.slice(2), value]] : [],
    ),
  );
  return [...new Set(recipients)].map((recipient) => ({ id, recipient, key: keyOf(custom), custom, body }));
}

const STAGES: Readonly<Record<string, { readonly event: string; readonly [field: string]: unknown }>> = {
  accepted: { event: 'accepted' },
  delivered: { event: 'delivered', 'delivery-status': { code: 250, message: 'OK', 'attempt-no': 1, tls: true } },
  hard_bounce: {
    event: 'failed',
    severity: 'permanent',
    reason: 'bounce',
    'delivery-status': { code: 550, message: '5.1.1 no such user', 'enhanced-code': '5.1.1', 'attempt-no': 1 },
  },
  soft_bounce: {
    event: 'failed',
    severity: 'temporary',
    reason: 'generic',
    'delivery-status': { code: 452, message: '4.2.2 mailbox full', 'enhanced-code': '4.2.2', 'attempt-no': 1 },
  },
  open: { event: 'opened', ip: '192.0.2.1', 'client-info': { 'client-type': 'browser', 'user-agent': 'sandbox' } },
  click: { event: 'clicked', ip: '192.0.2.1', url: 'https://example.com/', 'client-info': { 'user-agent': 'sandbox' } },
  complaint: { event: 'complained' },
  unsubscribe: { event: 'unsubscribed', ip: '192.0.2.1' },
};

function reporterOf(book: Setting['book']): Reporter {
  return {
    provider: 'mailgun',
    stages: (ending) => ['accepted', ending],
    report(message, stage) {
      const particular = STAGES[stage];
      if (particular === undefined) return null;
      const { from, to, subject } = message.body as Readonly<Record<string, unknown>>;
      const event = (atMs: number): unknown => ({
        id: randomBytes(16).toString('base64url'),
        timestamp: atMs / 1_000,
        'log-level': particular.event === 'failed' ? 'error' : 'info',
        recipient: message.recipient,
        'recipient-domain': message.recipient.split('@')[1],
        message: {
          headers: { 'message-id': message.id.slice(1, -1), from, to, subject: subject ?? '' },
          attachments: [],
          size: 0,
        },
        'user-variables': message.custom,
        tags: [],
        ...particular,
      });
      return { name: stage, url: book.now.mailgun.callback_url, event };
    },
  };
}

function publisherOf(book: Setting['book'], clock: Setting['clock']): Publisher {
  return {
    provider: 'mailgun',
    batchMax: 1,
    batchWaitMs: 0,
    timeoutMs: TIMEOUT_MS,
    render([event]) {
      const timestamp = String(Math.floor(clock.now() / 1_000));
      const token = randomBytes(25).toString('hex');
      const signature = createHmac('sha256', book.now.mailgun.signing_key)
        .update(timestamp + token)
        .digest('hex');
      const body = JSON.stringify({ signature: { timestamp, token, signature }, 'event-data': event });
      return { headers: { 'content-type': 'application/json', 'user-agent': 'mailgun/treq' }, body };
    },
    // 200 is success, 406 says never again.
    nextInMs: (attempt, { status }) => (status === 200 || status === 406 ? null : (GAPS_MS[attempt - 1] ?? null)),
  };
}
