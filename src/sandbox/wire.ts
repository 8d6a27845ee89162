import type { IncomingHttpHeaders } from 'node:http';

/** Whom the sandbox plays; `webhooks` is any receiver of Standard Webhooks. */
export const PROVIDERS = [
  'sendgrid',
  'twilio',
  'fcm',
  'webpush',
  'mailgun',
  'postmark',
  'ses',
  'smtp',
  'webhooks',
] as const;

export type ProviderName = (typeof PROVIDERS)[number];

/** Questions that accept no message, and may fail on their own. */
export const DESKS = ['fcm_token', 'twilio_lookup', 'postmark_lookup', 'account_lookup', 'audiences'] as const;

/** What a fault can be set on. */
export type DeskName = ProviderName | (typeof DESKS)[number];

/** A request with its body as it came, byte for byte. */
export interface WireRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One message to one recipient. */
export interface Message {
  /** The provider's id. */
  readonly id: string;
  readonly recipient: string;
  /** By which the sender knows the message again: `idempotency_key`, `delivery_id` or `message_id` of what it carried along. */
  readonly key: string | null;
  /** What the provider carries along and gives back. */
  readonly custom: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What a provider makes of a request; several messages where one request names several recipients. */
export type Verdict =
  | { readonly kind: 'refused'; readonly answer: Answer }
  | {
      readonly kind: 'taken';
      readonly messages: readonly Message[];
      readonly answer: Answer;
      /** What is done beside, unless a fault comes before. */
      readonly work?: () => void;
    };

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

export function plain(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}

export const refused = (answer: Answer): Verdict => ({ kind: 'refused', answer });

/** @returns undefined for what is no JSON object */
export function readObject(raw: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(raw.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Good enough to tell an address from a slip; quoted local parts are not known. */
export const isEmail = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 320 && /^[^\s@<>,"]+@[^\s@<>,."]+(\.[^\s@<>,."]+)+$/.test(value);

/** Takes `Name <address>` apart. */
export const addressOf = (text: string): string => /<([^<>]*)>\s*$/.exec(text)?.[1] ?? text.trim();

/** Texts of an object; other values are left out. */
export function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).flatMap(([name, text]) => (isText(text) ? [[name, text]] : [])));
}

const KEY_NAMES = ['idempotency_key', 'delivery_id', 'delivery', 'message_id'];

/** By which of the texts carried along the sender knows its message again. */
export function keyOf(custom: Readonly<Record<string, string>>): string | null {
  const name = KEY_NAMES.find((candidate) => candidate in custom);
  return name === undefined ? null : (custom[name] ?? null);
}

/** User and password of HTTP Basic authentication; undefined without. */
export function basicOf(request: WireRequest): { readonly user: string; readonly password: string } | undefined {
  const [, encoded] = /^basic (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const [, user = '', password = ''] =
    /^([^:]*):([\s\S]*)$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  return { user, password };
}
