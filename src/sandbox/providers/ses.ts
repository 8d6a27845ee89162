import { randomBytes, randomUUID } from 'node:crypto';
import type { Endpoint, Reporter } from '../exchange.js';
import type { Setting } from '../setting.js';
import {
  addressOf,
  isEmail,
  isObject,
  isText,
  json,
  keyOf,
  readObject,
  refused,
  type Answer,
  type Message,
  type Verdict,
} from '../wire.js';
import { signatureFault } from './ses-signature.js';
import type { Sns } from './sns.js';

// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html and …/dg/event-publishing-retrieving-sns-contents.html

const BYTES_MAX = 40 * 1024 * 1024;
const RECIPIENTS_MAX = 50;

type Fields = Readonly<Record<string, unknown>>;

const failure = (status: number, name: string, message: string): Answer =>
  json(status, { message }, { 'x-amzn-errortype': name, 'x-amzn-requestid': randomUUID() });

const NAMES: Readonly<Record<number, string>> = {
  400: 'MessageRejected',
  403: 'InvalidSignatureException',
  404: 'NotFoundException',
  429: 'TooManyRequestsException',
  500: 'InternalServiceErrorException',
  503: 'ServiceUnavailableException',
};

/** SendEmail of the API version 2; its events go through SNS. */
export function playSes({ app, exchange, book, clock }: Setting, sns: Sns): void {
  const endpoint: Endpoint = {
    desk: 'ses',
    judge(request): Verdict {
      const fault = signatureFault(request, book.now.ses, clock.now());
      if (fault !== null) return refused(failure(403, fault, 'The request is not signed as it should be'));
      if (request.raw.length > BYTES_MAX) return refused(failure(413, 'RequestEntityTooLargeException', 'over 40 MB'));
      const mail = readObject(request.raw);
      if (mail === undefined) return refused(failure(400, 'SerializationException', 'The body is no JSON object'));
      const recipients = recipientsOf(mail);
      const wrong = wrongOf(mail, recipients);
      if (wrong !== undefined) return refused(failure(400, 'BadRequestException', wrong));
      const id = `${randomBytes(8).toString('hex')}-${randomUUID()}-000000`;
      return { kind: 'taken', messages: messagesOf(mail, recipients, id), answer: json(200, { MessageId: id }) };
    },
    failure: (status) => failure(status, NAMES[status] ?? 'ServiceException', 'told to fail'),
  };
  exchange.reportBy(reporterOf(book, sns));
  exchange.route(app, 'POST', '/ses/v2/email/outbound-emails', endpoint);
  exchange.route(app, 'GET', '/ses/v2/email/account', {
    desk: 'account_lookup',
    judge(request): Verdict {
      const fault = signatureFault(request, book.now.ses, clock.now());
      if (fault !== null) return refused(failure(403, fault, 'The request is not signed as it should be'));
      const view = { SendingEnabled: book.now.ses.sending_enabled, ProductionAccessEnabled: true };
      return { kind: 'taken', messages: [], answer: json(200, view) };
    },
    failure: endpoint.failure,
  });
}

function recipientsOf(mail: Fields): readonly string[] {
  const { Destination: to } = mail;
  if (!isObject(to)) return [];
  return ['ToAddresses', 'CcAddresses', 'BccAddresses'].flatMap((name) => {
    const list = to[name];
    return Array.isArray(list) ? list.map((address) => addressOf(String(address))) : [];
  });
}

function wrongOf(mail: Fields, recipients: readonly string[]): string | undefined {
  const { FromEmailAddress: from, Content: content } = mail;
  if (!isText(from) || !isEmail(addressOf(from))) return 'FromEmailAddress is missing or illegal';
  if (recipients.length === 0 || !recipients.every(isEmail)) return 'Destination is missing or illegal';
  if (recipients.length > RECIPIENTS_MAX) return `Recipient count exceeds ${RECIPIENTS_MAX}`;
  const kinds = isObject(content) ? ['Simple', 'Raw', 'Template'].filter((name) => isObject(content[name])) : [];
  if (kinds.length !== 1 || !isObject(content)) return 'Content is one of Simple, Raw and Template';
  const { Raw: raw, Simple: simple } = content;
  if (isObject(raw) && !isText(raw['Data'])) return 'Raw has no Data';
  if (isObject(simple) && !(isObject(simple['Subject']) && isObject(simple['Body'])))
    return 'Simple has no Subject or Body';
  return undefined;
}

function messagesOf(mail: Fields, recipients: readonly string[], id: string): readonly Message[] {
  const tags = Array.isArray(mail['EmailTags']) ? mail['EmailTags'].filter(isObject) : [];
  const custom = Object.fromEntries(tags.map(({ Name, Value }) => [String(Name), String(Value)]));
  return [...new Set(recipients)].map((recipient) => ({ id, recipient, key: keyOf(custom), custom, body: mail }));
}

const bounced = (type: string, subType: string, recipient: string, at: string): object => ({
  bounceType: type,
  bounceSubType: subType,
  bouncedRecipients: [
    { emailAddress: recipient, action: 'failed', status: '5.1.1', diagnosticCode: 'smtp; 550 no such user' },
  ],
  timestamp: at,
  feedbackId: randomUUID(),
  reportingMTA: 'dns; sandbox',
});

/** The part of an event that is particular to its kind. */
function particularOf(stage: string, recipient: string, at: string): Fields | null {
  switch (stage) {
    case 'sent':
      return { eventType: 'Send', send: {} };
    case 'delivered':
      return {
        eventType: 'Delivery',
        delivery: {
          timestamp: at,
          recipients: [recipient],
          processingTimeMillis: 5,
          smtpResponse: '250 OK',
          reportingMTA: 'sandbox',
        },
      };
    case 'hard_bounce':
      return { eventType: 'Bounce', bounce: bounced('Permanent', 'General', recipient, at) };
    case 'soft_bounce':
      return { eventType: 'Bounce', bounce: bounced('Transient', 'MailboxFull', recipient, at) };
    case 'complaint':
      return {
        eventType: 'Complaint',
        complaint: {
          complainedRecipients: [{ emailAddress: recipient }],
          timestamp: at,
          feedbackId: randomUUID(),
          complaintFeedbackType: 'abuse',
        },
      };
    case 'open':
      return { eventType: 'Open', open: { timestamp: at, ipAddress: '192.0.2.1', userAgent: 'sandbox' } };
    case 'click':
      return {
        eventType: 'Click',
        click: {
          timestamp: at,
          ipAddress: '192.0.2.1',
          userAgent: 'sandbox',
          link: 'https://example.com/',
          linkTags: {},
        },
      };
    case 'unsubscribe':
      return {
        eventType: 'Subscription',
        subscription: {
          contactList: 'sandbox',
          timestamp: at,
          source: 'UnsubscribeHeader',
          newTopicPreferences: { unsubscribeAll: true, topicSubscriptionStatus: [] },
          oldTopicPreferences: { unsubscribeAll: false, topicSubscriptionStatus: [] },
        },
      };
    default:
      return null;
  }
}

function reporterOf(book: Setting['book'], sns: Sns): Reporter {
  return {
    provider: 'ses',
    stages: (ending) => ['sent', ending],
    report(message, stage) {
      if (particularOf(stage, message.recipient, '') === null) return null;
      const mail = message.body as Fields;
      const tags = Object.fromEntries(Object.entries(message.custom).map(([name, value]) => [name, [value]]));
      const event = (atMs: number): unknown => {
        const at = new Date(atMs).toISOString();
        const { eventType, ...particular } = particularOf(stage, message.recipient, at) ?? {};
        const common = {
          timestamp: at,
          source: mail['FromEmailAddress'],
          sendingAccountId: book.now.ses.topic_arn.split(':')[4],
          messageId: message.id,
          destination: recipientsOf(mail),
          headersTruncated: false,
          tags,
        };
        return { eventType, mail: common, ...particular };
      };
      const { callback_url: url } = book.now.ses;
      return { name: stage, url: url !== null && sns.isConfirmed(url) ? url : null, event };
    },
  };
}
