import { createHash, createHmac } from 'node:crypto';
import { eventsOf, type CallbackContent, type CallbackKind } from '../callback-event.js';
import {
  deliveryIdOf,
  detailOf,
  fieldsOf,
  hashOf,
  idOf,
  jsonOf,
  nameOf,
  textOf,
  utf8Of,
  type Fields,
} from './fields.js';
import {
  headerOf,
  isSame,
  MalformedCallback,
  NOT_SIGNED,
  OK,
  refused,
  WRONG,
  type CallbackRequest,
  type CallbackScheme,
} from './scheme.js';

const SIGNATURE = 'x-twilio-signature';
const HASH_FIELD = 'bodySHA256';
/** The name in the query of a status callback under which our own id comes back. */
const DELIVERY_FIELD = 'delivery';

const KINDS: ReadonlyMap<string, readonly CallbackKind[]> = new Map([
  ['accepted', ['sent']],
  ['queued', ['sent']],
  ['sending', ['sent']],
  ['sent', ['sent']],
  ['delivered', ['delivered']],
  ['read', ['opened']],
  ['canceled', ['failed']],
]);
/** What the code of an error says beside that the message did not arrive. */
const KINDS_OF_ERROR: ReadonlyMap<string, readonly CallbackKind[]> = new Map([
  // The number sent STOP to the provider.
  ['21610', ['failed', 'unsubscribed']],
  // No number that could take a text message: invalid, unknown, or a landline.
  ['21211', ['bounced']],
  ['21614', ['bounced']],
  ['30005', ['bounced']],
  ['30006', ['bounced']],
  // Switched off, or out of reach.
  ['30003', ['failed', 'soft_bounced']],
]);

/**
 * Twilio's request signature: base64 of HMAC-SHA1 over the public address and, of a form, each name and value in the order
 * of the names; of any other body the address holds its SHA-256. There is no time in it: a message reaches each state
 * once, and so does an event.
 */
export const twilio: CallbackScheme = {
  verify(request, { credentials }) {
    const [signature, token] = [headerOf(request, SIGNATURE), credentials['auth_token']];
    if (signature === null) return NOT_SIGNED;
    if (token === undefined) return refused('the account has no auth_token');
    const hash = new URL(request.url).searchParams.get(HASH_FIELD);
    if (hash !== null && hash !== createHash('sha256').update(request.body).digest('hex')) return WRONG;
    const form = hash === null ? formOf(request.body) : [];
    if (form === null) return NOT_SIGNED;
    const isRight = addressesOf(request.url).some((url) => isSame(signature, twilioSignature(token, url, form)));
    return isRight ? OK : WRONG;
  },
  read(request) {
    const fields = contentOf(request);
    const status = textOf(fields['MessageStatus']);
    const id = idOf(fields['MessageSid'] ?? fields['SmsSid']);
    if (status === null && textOf(fields['Body'] ?? fields['OptOutType']) !== null) return readText(fields, id);
    return readStatus(request, fields, { id, status: nameOf(status ?? fields['SmsStatus']) });
  },
};

/** What Twilio signs a request with. @param form pairs of names and values */
function twilioSignature(token: string, url: string, form: readonly (readonly [string, string])[]): string {
  const byName = new Map<string, Set<string>>();
  for (const [name, value] of form) byName.set(name, (byName.get(name) ?? new Set()).add(value));
  const names = [...byName.keys()].sort();
  const text = names.flatMap((name) => [...(byName.get(name) ?? [])].sort().map((value) => `${name}${value}`)).join('');
  return createHmac('sha1', token)
    .update(url + text)
    .digest('base64');
}

/** With and without the port that https implies: the provider may have been given either. */
function addressesOf(url: string): readonly string[] {
  const [, origin = '', rest = ''] = /^(https:\/\/[^/?#]+?)(?::443)?((?:[/?#].*)?)$/.exec(url) ?? [];
  return origin === '' || /:\d+$/.test(origin) ? [url] : [`${origin}${rest}`, `${origin}:443${rest}`];
}

/**
 * Null for what is no form. Every pair has its `=`: between a name and its value it does not show in what is signed, so
 * that a form without it could pass for another one.
 */
function formOf(body: Buffer): readonly (readonly [string, string])[] | null {
  if (body.length === 0) return [];
  try {
    const pairs = utf8Of(body)
      .split('&')
      .map((pair) => /^([^=]+)=([^]*)$/.exec(pair)?.slice(1).map(decode));
    return pairs.every((pair) => pair !== undefined) ? pairs.map(([name = '', value = '']) => [name, value]) : null;
  } catch {
    return null;
  }
}

/** @throws URIError */
const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));

function contentOf({ url, body }: CallbackRequest): Fields {
  if (new URL(url).searchParams.has(HASH_FIELD)) return fieldsOf(jsonOf(body));
  const form = formOf(body);
  if (form === null) throw new MalformedCallback('the body is no form');
  return Object.fromEntries(form);
}

function readText(fields: Fields, id: string | null): CallbackContent {
  const text = textOf(fields['OptOutType'] ?? fields['Body']) ?? '';
  const messageId = id ?? hashOf(textOf(fields['From']), text);
  const facts = { id: messageId, name: 'received', deliveryId: null, providerMessageId: id, at: null, detail: null };
  const event = { ...facts, kind: 'inbound' } as const;
  return { kind: 'text_message', message: { messageId, from: textOf(fields['From']) ?? '', text }, event };
}

function readStatus(
  { url }: CallbackRequest,
  fields: Fields,
  { id, status }: { readonly id: string | null; readonly status: string },
): CallbackContent {
  const code = textOf(fields['ErrorCode']) ?? '';
  const isFailure = status === 'failed' || status === 'undelivered';
  const facts = {
    id: id === null ? hashOf(status, textOf(fields['To']), code) : `${id}:${status}`,
    name: status,
    deliveryId: deliveryIdOf(new URL(url).searchParams.get(DELIVERY_FIELD)),
    providerMessageId: id,
    at: null,
    detail: detailOf(code, fields['ErrorMessage']),
  };
  const kinds = isFailure
    ? (KINDS_OF_ERROR.get(code) ?? (['failed'] as const))
    : (KINDS.get(status) ?? (['other'] as const));
  return { kind: 'events', events: eventsOf(facts, kinds) };
}
