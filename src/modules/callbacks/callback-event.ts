import type { InstantMs } from '../../core/kernel/instant.js';
import type { HeardKind } from '../outcomes/index.js';

/**
 * What a provider's event means to us: what became of a message, or
 * - `deferred`: the provider keeps trying, so that nothing became of it yet;
 * - `inbound`: a person wrote to us;
 * - `other`: anything else, events that nobody has heard of yet included.
 */
export type CallbackKind = HeardKind | 'deferred' | 'inbound' | 'other';

/** One thing that a provider told. */
export interface CallbackEvent {
  /** The same for the same event, however often it is told; no other event of the account has it. */
  readonly id: string;
  readonly kind: CallbackKind;
  /** The provider's word for it. */
  readonly name: string;
  /** Ours, carried back; null where the provider did not. A UUID. */
  readonly deliveryId: string | null;
  readonly providerMessageId: string | null;
  /** When it happened; null where the provider does not say. */
  readonly at: InstantMs | null;
  /** The provider's reason, without addresses and numbers of persons. */
  readonly detail: string | null;
}

/** A text message that a person sent. */
export interface InboundText {
  readonly messageId: string;
  /** As the provider writes the number. */
  readonly from: string;
  readonly text: string;
}

/** A mail that somebody sent to an address of ours. */
interface InboundMail {
  readonly subject: string;
}

/** What a request of a provider says, once it is known to be the provider's. */
export type CallbackContent =
  | { readonly kind: 'events'; readonly events: readonly CallbackEvent[] }
  | { readonly kind: 'text_message'; readonly message: InboundText; readonly event: CallbackEvent }
  | { readonly kind: 'mail'; readonly mail: InboundMail; readonly event: CallbackEvent }
  /** The provider asks whether it may send here: whoever gets this address with GET says yes. */
  | { readonly kind: 'confirmation'; readonly url: string; readonly event: CallbackEvent };

/** Kinds of which nothing follows, and which are stored all the same. */
const WITHOUT_EFFECT: ReadonlySet<CallbackKind> = new Set(['deferred', 'inbound', 'other']);

/** Whether something became of a message. */
export const isHeard = (kind: CallbackKind): kind is HeardKind => !WITHOUT_EFFECT.has(kind);

/** Everything about an event but what it means. */
export type EventFacts = Omit<CallbackEvent, 'kind'>;

/**
 * One event for each meaning: a message that was dropped because the person had unsubscribed tells two things. All but
 * the first get ids of their own, the same ones whenever the event is told.
 */
export function eventsOf(facts: EventFacts, kinds: readonly CallbackKind[]): readonly CallbackEvent[] {
  return kinds.map((kind, index) => ({ ...facts, kind, id: index === 0 ? facts.id : `${facts.id}#${kind}` }));
}
