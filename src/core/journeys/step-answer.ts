import type { InstantMs } from '../kernel/instant.js';
import type { ReasonCode } from '../kernel/reasons.js';

/**
 * The answer of a message or decide step. A refusal is an answer, never an exception.
 * - `sent`: the provider accepted the message.
 * - `defer`: ask again at `until` (or when something about the user changes).
 * - `skip`: the one message of this step may not go out; passed over means that this is no refusal for the step.
 * - `do_nothing`: silence was chosen, or nothing was left to choose from.
 * - `unknown`: the message may or may not have gone out; it is never sent again.
 */
export type StepAnswer =
  | { readonly kind: 'sent'; readonly decisionId: string; readonly deliveryId: string; readonly action: string }
  | { readonly kind: 'defer'; readonly decisionId: string; readonly reason: ReasonCode; readonly until: InstantMs }
  | {
      readonly kind: 'skip';
      readonly decisionId: string;
      readonly reason: ReasonCode;
      readonly isPassedOver?: true;
    }
  | { readonly kind: 'do_nothing'; readonly decisionId: string; readonly reason: ReasonCode }
  | { readonly kind: 'unknown'; readonly decisionId: string; readonly deliveryId: string; readonly reason: ReasonCode };

/**
 * The answer of a step that does something which is no contact.
 * - `failed`: it can never be done.
 * - `later`: it may be done at `until`; the run waits and does it again, and can be paused or ended meanwhile.
 */
export type ActAnswer =
  { readonly kind: 'done' } | { readonly kind: 'failed' } | { readonly kind: 'later'; readonly until: InstantMs };
