import { unreachable } from '../kernel/assert.js';
import type { InAppContent, MessageContent, PushContent, WebhookContent } from './content.js';
import { smsSegments } from './sms-segments.js';
import { utf8Bytes } from './utf8-bytes.js';

/** The longest line of a mail (RFC 5322 section 2.1.1). */
const SUBJECT_CHARACTERS_MAX = 998;
/** Carriers give up on longer chains, and each segment is paid for. */
const SMS_SEGMENTS_MAX = 10;
/** What FCM and Apple's service take (and more than a Web Push service must, RFC 8030 section 7.2). */
export const PUSH_BYTES_MAX = 4_096;
/** What an inbox shows of one entry. */
const IN_APP_BYTES_MAX = 20_000;
/** As Standard Webhooks recommends. */
const WEBHOOK_BYTES_MAX = 20_000;
/** Would be run, or read from the device, instead of opened. */
const SCHEMES_REFUSED = ['javascript', 'data', 'vbscript', 'file', 'blob'];

/**
 * What keeps a rendered message from being sent: a line break in a header, an empty part, too much of it.
 *
 * @returns sentences that begin with the part, none if it can be sent
 */
export function contentFaults(content: MessageContent): readonly string[] {
  switch (content.channel) {
    case 'email':
      return lineFaults('subject', content.subject);
    case 'sms':
      return smsFaults(content.text);
    case 'push':
      return pushFaults(content);
    case 'in_app':
      return inAppFaults(content);
    case 'webhook':
      return webhookFaults(content);
    default:
      return unreachable(content);
  }
}

/** Bytes of a notification's parts as JSON in UTF-8: what each push service packs in its own envelope. */
export function pushBytes({ title, body, link }: PushContent): number {
  return utf8Bytes(JSON.stringify({ title, body, link }));
}

function lineFaults(part: string, line: string): readonly string[] {
  if (/\p{Cc}/u.test(line)) return [`${part}: it holds a control character such as a line break`];
  if (line.trim() === '') return [`${part}: it is empty`];
  if (line.length > SUBJECT_CHARACTERS_MAX) return [`${part}: it is too long`];
  return [];
}

function textFaults(part: string, text: string): readonly string[] {
  if (text.trim() === '') return [`${part}: it is empty`];
  return /[^\P{Cc}\t\n\f\r]/u.test(text) ? [`${part}: it holds a control character`] : [];
}

function smsFaults(text: string): readonly string[] {
  const { segments } = smsSegments(text);
  const tooLong = `text: it takes ${segments} segments, and at most ${SMS_SEGMENTS_MAX} are sent`;
  return [...textFaults('text', text), ...(segments > SMS_SEGMENTS_MAX ? [tooLong] : [])];
}

function pushFaults(content: PushContent): readonly string[] {
  const bytes = pushBytes(content);
  return [
    ...lineFaults('title', content.title),
    ...textFaults('body', content.body),
    ...linkFaults(content.link),
    ...(bytes > PUSH_BYTES_MAX ? [`body: the message takes ${bytes} bytes of at most ${PUSH_BYTES_MAX}`] : []),
  ];
}

function inAppFaults({ title, body, link, image }: InAppContent): readonly string[] {
  const bytes = utf8Bytes(JSON.stringify({ title, body, link, image }));
  return [
    ...lineFaults('title', title),
    ...textFaults('body', body),
    ...linkFaults(link),
    ...(image === null || PICTURE.test(image) ? [] : ['image: it is no https URL']),
    ...(bytes > IN_APP_BYTES_MAX ? [`body: the message takes ${bytes} bytes of at most ${IN_APP_BYTES_MAX}`] : []),
  ];
}

function webhookFaults({ body }: WebhookContent): readonly string[] {
  const bytes = utf8Bytes(body);
  if (bytes > WEBHOOK_BYTES_MAX) return [`body: it takes ${bytes} bytes of at most ${WEBHOOK_BYTES_MAX}`];
  return isJsonObject(body) ? [] : ['body: it is no JSON object'];
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const PICTURE = /^https:\/\/[^\s\p{Cc}]+$/iu;

const linkFaults = (link: string | null): readonly string[] =>
  link === null || isOpenable(link) ? [] : ['link: it is no absolute URL that may be opened'];

function isOpenable(link: string): boolean {
  const scheme = /^([a-z][a-z0-9+.-]*):[^\s\p{Cc}]+$/iu.exec(link)?.[1]?.toLowerCase();
  return scheme !== undefined && !SCHEMES_REFUSED.includes(scheme);
}
