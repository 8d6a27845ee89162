import type { MessageContent } from '../../core/content/content.js';
import type { DurationMs } from '../../core/kernel/instant.js';

/** One message, ready to go out on one channel. */
export interface OutboundMessage {
  readonly deliveryId: string;
  readonly to: string;
  readonly content: MessageContent;
  /** Absolute https address of the one-click withdrawal; null for messages that need no consent. */
  readonly unsubscribeUrl: string | null;
}

/** Whom a refusal is about: the recipient, whatever the message; one who has opted out there; or something else. */
export type RefusedFor = 'recipient' | 'opted_out' | 'other';

/**
 * How a provider took a message.
 * - `accepted`: it answers for the message from here on.
 * - `rejected`: it will never take it; nothing was sent.
 * - `unavailable`: it cannot take it now; nothing was sent. Where it says when to come back, so long after now.
 * - `full`: its limit is used up until then; nothing was sent.
 * - `late`: it was not ready for the content in time; nothing of it was handed over.
 * - `unknown`: the message may have been taken, and nobody can be asked.
 */
export type SendResult =
  | { readonly kind: 'accepted'; readonly providerMessageId: string }
  | { readonly kind: 'rejected'; readonly detail: string; readonly refusedFor: RefusedFor }
  | { readonly kind: 'unavailable'; readonly detail: string; readonly retryAfterMs?: DurationMs }
  | { readonly kind: 'full'; readonly retryAfterMs: DurationMs }
  | { readonly kind: 'late'; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

/** The provider, connected and waiting for one message. Whoever holds the line gives it back, used or not. */
export interface ProviderLine {
  /** Key of the account. */
  readonly provider: string;
  /**
   * Hands the message over. To be called once. Never throws for what the provider did: each failure has a class.
   *
   * @param startWithinMs from now until the first byte of the content; once it is over, none leaves (`late`)
   */
  send(message: OutboundMessage, startWithinMs: number): Promise<SendResult>;
  release(): void;
}

/** One way to reach people. */
export interface Connector {
  readonly provider: string;
  /** So many lines are open at once: one more would wait in the connector. */
  readonly sendsAtOnceMax: number;
  /**
   * Connects, greets and logs in, however long that takes, so that nothing of it lies between a claim and its send. Never
   * throws: where there is no way through, the line says so when it is asked to send.
   */
  open(): Promise<ProviderLine>;
}
