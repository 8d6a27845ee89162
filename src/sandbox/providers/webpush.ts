import { randomBytes, type ECDH } from 'node:crypto';
import type { Endpoint } from '../exchange.js';
import type { Setting } from '../setting.js';
import { plain, refused, type Answer, type Message, type Verdict, type WireRequest } from '../wire.js';
import { checkVapid, decrypt, subscriptionKeys } from './webpush-crypto.js';

const BODY_BYTES_MAX = 4_096;
const URGENCIES = ['very-low', 'low', 'normal', 'high'];

interface Subscription {
  readonly ecdh: ECDH;
  readonly auth: Buffer;
  /** Whoever may push, when the browser was told; base64url of the point. */
  readonly serverKey: string | null;
  isGone: boolean;
}

/** What a browser gives its web application. */
export interface SubscriptionView {
  readonly id: string;
  readonly endpoint: string;
  readonly expirationTime: null;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

/** A push service (RFC 8030) and the browsers behind it. */
export class WebPush {
  private readonly subscriptions = new Map<string, Subscription>();

  constructor(private readonly setting: Setting) {
    const endpoint: Endpoint = {
      desk: 'webpush',
      judge: (request) => this.judge(request),
      failure: (status) => plain(status, 'told to fail'),
    };
    setting.exchange.route(setting.app, 'POST', '/webpush/:subscription', endpoint);
  }

  /** A browser subscribes; with keys of its own, or given ones. */
  subscribe(given: {
    readonly serverKey: string | null;
    readonly privateKey: string | null;
    readonly auth: string | null;
  }): SubscriptionView {
    const id = randomBytes(16).toString('base64url');
    const ecdh = subscriptionKeys(given.privateKey);
    const auth = given.auth === null ? randomBytes(16) : Buffer.from(given.auth, 'base64url');
    this.subscriptions.set(id, { ecdh, auth, serverKey: given.serverKey, isGone: false });
    return {
      id,
      endpoint: `${this.setting.origin()}/webpush/${id}`,
      expirationTime: null,
      keys: { p256dh: ecdh.getPublicKey('base64url'), auth: auth.toString('base64url') },
    };
  }

  /** @returns false when there is none */
  unsubscribe(id: string): boolean {
    const subscription = this.subscriptions.get(id);
    if (subscription !== undefined) subscription.isGone = true;
    return subscription !== undefined;
  }

  private judge(request: WireRequest): Verdict {
    const { headers, raw, params } = request;
    const id = params['subscription'] ?? '';
    const subscription = this.subscriptions.get(id);
    if (subscription === undefined) return refused(plain(404, 'there is no such subscription'));
    if (subscription.isGone) return refused(plain(410, 'the subscription has expired'));
    const vapid = checkVapid(headers.authorization ?? '', this.setting.origin(), this.setting.clock.now() / 1_000);
    if ('status' in vapid) return refused(plain(vapid.status, vapid.why));
    if (subscription.serverKey !== null && subscription.serverKey !== vapid.key)
      return refused(plain(403, 'the subscription belongs to another application server'));
    const fault = faultOf(request);
    if (fault !== undefined) return refused(fault);
    const text = raw.length === 0 ? null : decrypt(raw, subscription.ecdh, subscription.auth);
    const custom = { ...headerText(headers, 'topic'), ...headerText(headers, 'urgency') };
    const message: Message = {
      id: randomBytes(16).toString('base64url'),
      recipient: id,
      key: custom['topic'] ?? null,
      custom,
      // A push service cannot read a message: one that the browser cannot read either is accepted all the same.
      body: {
        ttl: Number(headers['ttl']),
        is_readable: raw.length === 0 || text !== null,
        text: text?.toString('utf8') ?? null,
        bytes: raw.length,
      },
    };
    const location = `${this.setting.origin()}/webpush/messages/${message.id}`;
    return {
      kind: 'taken',
      messages: [message],
      answer: { status: 201, headers: { location, ttl: String(headers['ttl']) }, body: '' },
    };
  }
}

function faultOf({ headers, raw }: WireRequest): Answer | undefined {
  if (!/^\d{1,10}$/.test(String(headers['ttl'] ?? ''))) return plain(400, 'a TTL in seconds is required');
  const { urgency = 'normal', topic = 'none' } = headers;
  if (!URGENCIES.includes(String(urgency))) return plain(400, `Urgency is none of ${URGENCIES.join(', ')}`);
  if (!/^[\w-]{1,32}$/.test(String(topic))) return plain(400, 'Topic is at most 32 characters of base64url');
  if (raw.length > BODY_BYTES_MAX) return plain(413, `a message is at most ${BODY_BYTES_MAX} bytes`);
  if (raw.length > 0 && headers['content-encoding'] !== 'aes128gcm')
    return plain(415, 'the content encoding is not aes128gcm');
  return undefined;
}

function headerText(headers: WireRequest['headers'], name: string): Readonly<Record<string, string>> {
  const value = headers[name];
  return typeof value === 'string' ? { [name]: value } : {};
}
