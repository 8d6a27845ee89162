import { Inject, Injectable } from '@nestjs/common';
import { SECOND_MS, type DurationMs } from '../../core/kernel/instant.js';
import { Clock } from '../../platform/clock/clock.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { SecretBox } from '../../platform/config/secret-box.js';
import { refuseUnstorable } from '../../platform/http/body.js';
import { ForbiddenAddressError } from '../../platform/outbound/guarded-request.js';
import { post, type PostAnswer } from '../../platform/outbound/post.js';
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
}

/** What became of an attempt. */
export type WebhookOutcome =
  /** `response`: its JSON of at most 16 KB; undefined when it gave none. */
  | { readonly kind: 'accepted'; readonly response: unknown }
  /** No repetition can help. */
  | { readonly kind: 'refused'; readonly because: string }
  | { readonly kind: 'unavailable'; readonly because: string; readonly retryAfterMs: DurationMs | null };

/** Hands messages to registered endpoints: signed, within 10 s, to public addresses only (but in local mode). */
@Injectable()
export class WebhookSender {
  private readonly box: SecretBox;

  constructor(
    private readonly endpoints: WebhookEndpointsRepository,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.box = new SecretBox(config.secrets, 'webhook-endpoint');
  }

  async send({ endpoint: key, id, body }: WebhookMessage): Promise<WebhookOutcome> {
    const endpoint = await this.endpoints.findCallable(key);
    if (endpoint === null) return refused('endpoint_unknown');
    if (endpoint.isGone) return refused('endpoint_gone');
    if (Buffer.byteLength(body) > BODY_BYTES_MAX) return refused('body_too_large');
    const secrets = endpoint.secrets.map((sealed) => this.box.open(sealed, key));
    const timestampS = Math.floor(this.clock.now() / SECOND_MS);
    try {
      const answer = await post({
        url: endpoint.url,
        headers: { 'content-type': 'application/json', ...webhookHeaders({ id, timestampS, body, secrets }) },
        body,
        msMax: ANSWER_MS_MAX,
        answerBytesMax: ANSWER_BYTES_MAX,
        isPrivateAllowed: this.config.auth.mode === 'none',
      });
      if (answer.status === GONE) await this.endpoints.markGone(key, endpoint.url);
      return outcomeOf(answer);
    } catch (error) {
      if (error instanceof ForbiddenAddressError) return refused('address_forbidden');
      const because = (error as { code?: unknown }).code;
      return { kind: 'unavailable', because: typeof because === 'string' ? because : 'no_answer', retryAfterMs: null };
    }
  }
}

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
