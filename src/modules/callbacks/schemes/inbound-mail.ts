import type { CallbackContent } from '../callback-event.js';
import { hashOf, textOf, type Fields } from './fields.js';
import { headerOf, type CallbackRequest } from './scheme.js';

/** More than any provider sends; what comes after them is passed over. */
const PARTS_MAX = 200;

/**
 * A mail that a provider passed on. Of what it says only the subject is looked at; nothing of it is stored.
 *
 * @param known what makes this mail another one than all others, e.g. its Message-ID
 */
export function mailContent(
  subject: unknown,
  ...known: readonly unknown[]
): Extract<CallbackContent, { readonly kind: 'mail' }> {
  const id = hashOf('mail', ...known.map(textOf));
  const facts = { id, name: 'mail', deliveryId: null, providerMessageId: null, at: null, detail: null };
  return { kind: 'mail', mail: { subject: textOf(subject) ?? '' }, event: { ...facts, kind: 'inbound' } };
}

/**
 * The text fields of a form, urlencoded or multipart (RFC 7578). Files are passed over; of fields of one name the first
 * counts.
 *
 * @returns null for a body that says it is no form
 */
export function formFieldsOf(request: CallbackRequest): Fields | null {
  const type = headerOf(request, 'content-type') ?? '';
  if (/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
    return firstOfEach([...new URLSearchParams(request.body.toString('utf8'))]);
  }
  const [, quoted, bare] =
    /^multipart\/form-data\s*;.*?\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type) ?? [];
  const boundary = quoted ?? bare;
  return boundary === undefined ? null : firstOfEach(partsOf(request.body, boundary));
}

function partsOf(body: Buffer, boundary: string): readonly (readonly [string, string])[] {
  // Each character is a byte, so that no byte is lost on the way.
  const [, ...parts] = `\r\n${body.toString('latin1')}`.split(`\r\n--${boundary}`, PARTS_MAX);
  return parts.flatMap((part) => {
    const [, head = '', content = ''] = /^[ \t]*\r\n([^]*?)\r\n\r\n([^]*)$/.exec(part) ?? [];
    const [disposition = ''] = /^content-disposition:\s*form-data;[^\r\n]*/im.exec(head) ?? [];
    const [, name] = /\bname="([^"]*)"/i.exec(disposition) ?? [];
    if (name === undefined || /\bfilename\*?=/i.test(disposition)) return [];
    return [[name, Buffer.from(content, 'latin1').toString('utf8')] as const];
  });
}

const firstOfEach = (pairs: readonly (readonly [string, string])[]): Fields => Object.fromEntries(pairs.toReversed());
