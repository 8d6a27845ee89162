import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { Clock } from '../../platform/clock/clock.js';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { SecretBox } from '../../platform/config/secret-box.js';
import { refuseUnstorable } from '../../platform/http/body.js';
import { Exchanges, type ExchangeResult } from '../../platform/outbound/exchange.js';
import { ForbiddenAddressError } from '../../platform/outbound/guarded-request.js';
import { post, type OutboundPost, type PostAnswer } from '../../platform/outbound/post.js';
import { WebhookEndpointsRepository } from './webhook-endpoints.repository.js';
import { webhookHeaders } from './webhook-signature.js';

const ANSWER_MS_MAX: DurationMs = 10 * SECOND_MS;
/** As Standard Webhooks recommends. */
const BODY_BYTES_MAX = 20_000;
const ANSWER_BYTES_MAX = 16_384;
const GONE = 410;
/** Of the refusals those that may end by themselves: time-out, conflict, too early, too many. */
const MAY_PASS: ReadonlySet<number> = new Set([408, 409, 425, 429]);
/** A longer Retry-After would use up the day in which a message is tried. */
const RETRY_AFTER_S_MAX = 3_600;

/** One message to one endpoint. */
export interface WebhookMessage {
  /** Key of a registered endpoint. */
  readonly endpoint: string;
  /** The same for every attempt: a receiver knows a repetition by it. */
  readonly id: string;
  readonly body: string;
  /** JSON when left out. */
  readonly contentType?: string;
  /** From the look-up of the name to the last byte of the answer; 10 s when left out. */
  readonly answerMsMax?: DurationMs;
}

/** What an endpoint said to an attempt, whatever it means. */
export type WebhookReply =
  | ({ readonly kind: 'answered' } & PostAnswer)
  | { readonly kind: 'silent'; readonly because: string }
  /** Nothing left. */
  | { readonly kind: 'not_sent'; readonly because: string };

/** The same of an attempt that was to begin soon or not at all. */
export type TimedWebhookReply = ExchangeResult | Extract<WebhookReply, { readonly kind: 'not_sent' }>;

/** What became of an attempt. */
export type WebhookOutcome =
  /** `response`: its JSON of at most 16 KB; undefined when it gave none. */
  | { readonly kind: 'accepted'; readonly response: unknown }
  /** No repetition can help. */
  | { readonly kind: 'refused'; readonly because: string }
  | { readonly kind: 'unavailable'; readonly because: string; readonly retryAfterMs: DurationMs | null };

/** Hands messages to registered endpoints: signed, within a time, to public addresses only (but in local mode). */
@Injectable()
export class WebhookSender implements OnApplicationShutdown {
  private readonly box: SecretBox;
  private readonly exchanges: Exchanges;

  constructor(
    private readonly endpoints: WebhookEndpointsRepository,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.box = new SecretBox(config.secrets, 'webhook-endpoint');
    this.exchanges = new Exchanges(config.auth.mode === 'none');
  }

  onApplicationShutdown(): void {
    this.exchanges.close();
  }

  /** One attempt, and what is to be thought of its answer. */
  async send(message: WebhookMessage): Promise<WebhookOutcome> {
    const reply = await this.attempt(message);
    switch (reply.kind) {
      case 'answered':
        return outcomeOf(reply);
      case 'silent':
        return { kind: 'unavailable', because: reply.because, retryAfterMs: null };
      case 'not_sent':
        return refused(reply.because);
    }
  }

  /** One attempt. An endpoint that answers 410 is gone for everybody, until it is replaced. */
  async attempt(message: WebhookMessage): Promise<WebhookReply> {
    const prepared = await this.prepare(message);
    if (prepared.kind === 'not_sent') return prepared;
    try {
      const answer = await post({
        ...prepared.request,
        msMax: message.answerMsMax ?? ANSWER_MS_MAX,
        isPrivateAllowed: this.config.auth.mode === 'none',
      });
      await this.noteGone(message, prepared.request, answer.status);
      return { kind: 'answered', ...answer };
    } catch (error) {
      if (error instanceof ForbiddenAddressError) return notSent('address_forbidden');
      const because = (error as { code?: unknown }).code;
      return { kind: 'silent', because: typeof because === 'string' ? because : 'no_answer' };
    }
  }

  /**
   * One attempt that begins soon or not at all, over a connection that may serve the next one too.
   *
   * @param startWithinMs from now until the first byte leaves
   */
  async attemptWithin(message: WebhookMessage, startWithinMs: number): Promise<TimedWebhookReply> {
    const since = new Stopwatch();
    const prepared = await this.prepare(message);
    if (prepared.kind === 'not_sent') return prepared;
    const leftMs = startWithinMs - since.elapsedMs();
    if (leftMs <= 0) return { kind: 'late' };
    try {
      const times = { startWithinMs: leftMs, answerWithinMs: message.answerMsMax ?? ANSWER_MS_MAX };
      const result = await this.exchanges.post({ ...prepared.request, ...times });
      if (result.kind === 'answered') await this.noteGone(message, prepared.request, result.status);
      return result;
    } catch (error) {
      if (!(error instanceof ForbiddenAddressError)) throw error;
      return notSent('address_forbidden');
    }
  }

  private async prepare({ endpoint: key, id, body, contentType }: WebhookMessage): Promise<Prepared> {
    const endpoint = await this.endpoints.findCallable(key);
    if (endpoint === null) return notSent('endpoint_unknown');
    if (endpoint.isGone) return notSent('endpoint_gone');
    if (Buffer.byteLength(body) > BODY_BYTES_MAX) return notSent('body_too_large');
    const secrets = endpoint.secrets.map((sealed) => this.box.open(sealed, key));
    const timestampS = Math.floor(this.clock.now() / SECOND_MS);
    const signed = webhookHeaders({ id, timestampS, body, secrets });
    const headers = { 'content-type': contentType ?? 'application/json', ...signed };
    return { kind: 'ready', request: { url: endpoint.url, headers, body, answerBytesMax: ANSWER_BYTES_MAX } };
  }

  private async noteGone(
    { endpoint }: WebhookMessage,
    { url }: { readonly url: string },
    status: number,
  ): Promise<void> {
    if (status === GONE) await this.endpoints.markGone(endpoint, url);
  }
}

type NotSent = Extract<WebhookReply, { readonly kind: 'not_sent' }>;
type Prepared =
  NotSent | { readonly kind: 'ready'; readonly request: Omit<OutboundPost, 'msMax' | 'isPrivateAllowed'> };

const notSent = (because: string): NotSent => ({ kind: 'not_sent', because });

const refused = (because: string): WebhookOutcome => ({ kind: 'refused', because });

function outcomeOf({ status, headers, body }: PostAnswer): WebhookOutcome {
  if (status >= 200 && status < 300) return { kind: 'accepted', response: readJson(headers['content-type'], body) };
  const because = `status_${status}`;
  if (status >= 400 && status < 500 && !MAY_PASS.has(status)) return refused(because);
  const seconds = /^\d{1,6}$/.test(headers['retry-after'] ?? '') ? Number(headers['retry-after']) : null;
  return {
    kind: 'unavailable',
    because,
    retryAfterMs: seconds === null ? null : Math.min(seconds, RETRY_AFTER_S_MAX) * SECOND_MS,
  };
}

/** What is no JSON, or cannot be stored as such, counts as no answer: the message was accepted all the same. */
function readJson(contentType = '', body: string | null): unknown {
  if (body === null || !/^application\/([\w.+-]+\+)?json\b/i.test(contentType)) return undefined;
  try {
    const value: unknown = JSON.parse(body);
    refuseUnstorable(value);
    return value;
  } catch {
    return undefined;
  }
}
