import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { guardedRequest } from './guarded-request.js';
import { get, type GetAnswer, type OutboundGet } from './get.js';
import { readBody } from './post.js';

/** One POST whose beginning matters: it must leave soon or not at all. */
export interface TimedPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /** From now until the first byte leaves; once it is over, none does. */
  readonly startWithinMs: number;
  /** From the first byte to the last one of the answer. */
  readonly answerWithinMs: number;
  readonly answerBytesMax: number;
}

export type ExchangeResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      /** Null when it is longer than was asked for. */
      readonly body: string | null;
    }
  /** No byte left, and none will. */
  | { readonly kind: 'late' }
  /** No whole answer came. `hasBegun`: something of the request may have reached the other side. */
  | { readonly kind: 'failed'; readonly code: string; readonly hasBegun: boolean };

const IDLE_MS_MAX = 4_000;
const OPTIONS = { keepAlive: true, scheduling: 'lifo', timeout: IDLE_MS_MAX } as const;

/** Connections to providers that stay open from one message to the next. */
export class Exchanges {
  private readonly plain = new http.Agent(OPTIONS);
  private readonly secure = new https.Agent(OPTIONS);

  /** @param isPrivateAllowed whether `http` and addresses that are not public are allowed: on one's own machine only */
  constructor(private readonly isPrivateAllowed: boolean) {}

  /**
   * Connects, and sends only if that did not take too long. Follows no redirect. Never throws for what the other side
   * did.
   *
   * @throws ForbiddenAddressError for an address that is not public
   */
  async post(request: TimedPost): Promise<ExchangeResult> {
    const url = new URL(request.url);
    const sent = guardedRequest(url, this.isPrivateAllowed, {
      method: 'POST',
      headers: { ...request.headers, 'content-length': Buffer.byteLength(request.body) },
      agent: url.protocol === 'https:' ? this.secure : this.plain,
    });
    return exchange(sent, request);
  }

  /** One GET by a connection of its own. Throws as `get` does. */
  get(request: Omit<OutboundGet, 'isPrivateAllowed'>): Promise<GetAnswer> {
    return get({ ...request, isPrivateAllowed: this.isPrivateAllowed });
  }

  close(): void {
    this.plain.destroy();
    this.secure.destroy();
  }
}

async function exchange(sent: ClientRequest, request: TimedPost): Promise<ExchangeResult> {
  let hasBegun = false;
  const answered = Promise.withResolvers<IncomingMessage>();
  sent.once('response', answered.resolve);
  sent.on('error', answered.reject);
  // Whoever is late does not wait for the answer.
  answered.promise.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  let cutFor: string | null = null;
  const cutAfter = (ms: number, code: string): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      cutFor = code;
      sent.destroy(new Error(code));
    }, ms);
  };
  cutAfter(request.startWithinMs, LATE);
  try {
    await Promise.race([connected(sent), answered.promise]);
    hasBegun = true;
    cutAfter(request.answerWithinMs, 'ETIMEDOUT');
    sent.end(request.body);
    const answer = await answered.promise;
    const body = await readBody(answer, request.answerBytesMax);
    return { kind: 'answered', status: answer.statusCode ?? 0, headers: answer.headers, body };
  } catch (error) {
    if (cutFor === LATE) return { kind: 'late' };
    const { code } = error as { code?: unknown };
    return { kind: 'failed', code: cutFor ?? (typeof code === 'string' ? code : 'ENOANSWER'), hasBegun };
  } finally {
    clearTimeout(timer);
  }
}

const LATE = 'ELATE';

/** When the request has a connection that is ready for its first byte. */
async function connected(sent: ClientRequest): Promise<void> {
  const socket = await new Promise<Socket>((resolve) => sent.once('socket', resolve));
  const isNew = socket.connecting || (socket instanceof TLSSocket && !sent.reusedSocket);
  if (!isNew) return;
  await new Promise<void>((resolve) => socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', resolve));
}
