import type { MessageContent } from '../../core/content/content.js';
import type { ListedMessage } from '../../core/delivery/look-up.js';
import type { DurationMs, InstantMs } from '../../core/kernel/instant.js';

/** One message, ready to go out on one channel. */
export interface OutboundMessage {
  readonly deliveryId: string;
  readonly to: string;
  readonly content: MessageContent;
  /** Absolute https address of the one-click withdrawal; null for messages that need no consent. */
  readonly unsubscribeUrl: string | null;
  /** A `mailto:` address that withdraws too; left out or null: there is none. */
  readonly unsubscribeMailto?: string | null;
}

/** Which way a message may go. */
export interface Route {
  readonly channel: string;
  /** Where to: not every account reaches every address of its channel. */
  readonly address: string;
  /** Keys of accounts that could not take the message. */
  readonly without: ReadonlySet<string>;
}

/** Whom a refusal is about: the recipient, whatever the message; one who has opted out there; or something else. */
export type RefusedFor = 'recipient' | 'opted_out' | 'other';

/**
 * How a provider took a message.
 * - `accepted`: it answers for the message from here on.
 * - `rejected`: it will never take it; nothing was sent.
 * - `unavailable`: it cannot take it now; nothing was sent. Where it says when to come back, so long after now.
 * - `full`: its limit is used up until then; nothing was sent. `isPaused`: it is our own guard that does not let it go.
 * - `late`: it was not ready for the content in time; nothing of it was taken, and it may be tried anew at once.
 * - `unknown`: the message may have been taken, and nobody can be asked.
 */
export type SendResult =
  | { readonly kind: 'accepted'; readonly providerMessageId: string }
  | { readonly kind: 'rejected'; readonly detail: string; readonly refusedFor: RefusedFor }
  | { readonly kind: 'unavailable'; readonly detail: string; readonly retryAfterMs?: DurationMs }
  | { readonly kind: 'full'; readonly retryAfterMs: DurationMs; readonly isPaused?: true }
  | { readonly kind: 'late'; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

/** The provider, connected and waiting for one message. Whoever holds the line gives it back, used or not. */
export interface ProviderLine {
  /** Key of the account. */
  readonly provider: string;
  /** Whether it can be asked later what became of a message without an answer. */
  readonly canBeAsked?: boolean;
  /**
   * Hands the message over. To be called once. Never throws for what the provider did: each failure has a class.
   *
   * @param startWithinMs from now until the first byte of the content; once it is over, none leaves (`late`)
   */
  send(message: OutboundMessage, startWithinMs: number): Promise<SendResult>;
  release(): void;
}

/** An attempt of which nobody knows whether the provider took its message. */
export interface Sought {
  readonly deliveryId: string;
  /** Null once the person is erased: then only our own id finds it. */
  readonly address: string | null;
  /** Of the words of a message that the provider shows under no id of ours; else null. */
  readonly contentHash: string | null;
  /** When it was claimed, by our clock, whatever the clock of its run says. */
  readonly attemptedAt: InstantMs;
}

/** One way to reach people. */
export interface Connector {
  readonly provider: string;
  /** So many lines are open at once: one more would wait in the connector. */
  readonly sendsAtOnceMax: number;
  /** Behind it stand many servers, and it knows by itself which of them to leave alone. */
  readonly watchesItself?: true;
  /** Whether it reaches this address; left out: every address of its channel. */
  takes?(address: string): boolean;
  /**
   * Asks the provider which of the messages that it took may be the one that is sought; left out: it cannot be asked.
   *
   * @returns null when it did not say, or not all
   */
  ask?(sought: Sought): Promise<readonly ListedMessage[] | null>;
  /**
   * Connects, greets and logs in, however long that takes, so that nothing of it lies between a claim and its send. Never
   * throws: where there is no way through, the line says so when it is asked to send.
   */
  open(): Promise<ProviderLine>;
}
