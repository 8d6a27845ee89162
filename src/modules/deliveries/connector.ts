/** One message, ready to go out on one channel. */
export interface OutboundMessage {
  readonly deliveryId: string;
  readonly to: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  /** Absolute https address of the one-click withdrawal; null for messages that need no consent. */
  readonly unsubscribeUrl: string | null;
}

/**
 * How a provider took a message.
 * - `accepted`: it answers for the message from here on.
 * - `rejected`: it will never take it; nothing was sent.
 * - `unavailable`: it cannot take it now; nothing was sent.
 * - `unknown`: the message may have been taken, and nobody can be asked.
 */
export type SendResult =
  | { readonly kind: 'accepted'; readonly providerMessageId: string }
  | { readonly kind: 'rejected'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

/** One way to reach people. A connector never throws for what a provider did: each failure has a class. */
export interface Connector {
  readonly provider: string;
  /** So many messages are on their way at once: one more would wait in the connector, while its claim grows stale. */
  readonly sendsAtOnceMax: number;
  send(message: OutboundMessage): Promise<SendResult>;
}
