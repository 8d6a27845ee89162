import type { Condition } from '../audiences/condition.js';
import type { ConsentRecord } from '../consent/consent-record.js';
import type { CapRule, Contact } from '../fatigue/cap-rule.js';
import type { InstantMs } from '../kernel/instant.js';
import type { LegalBasis } from '../kernel/legal-basis.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { QuietRule } from '../quiet-hours/quiet-rule.js';
import type { Suppression } from '../suppression/suppression.js';

/** Something that could be done for the user, with all that the gates and the arbitration must know of it. */
export interface Candidate {
  readonly key: string;
  readonly version: number;
  readonly channel: string;
  readonly template: string;
  /** Null when the template does not exist: the candidate is refused, not dropped without a word. */
  readonly templateVersion: number | null;
  /** Why the message cannot be rendered for this user; null while nobody has found a fault. */
  readonly renderFault: string | null;
  readonly purpose: string;
  readonly legalBasis: LegalBasis;
  readonly brand: string;
  readonly tags: readonly string[];
  readonly isActive: boolean;
  /** Null: open to everybody. */
  readonly eligibility: Condition | null;
  /** P of P x C x V x L, in [0, 1]. */
  readonly propensity: number;
  /** C = 1 + (matched context weights) / 100 > 0. */
  readonly contextFactor: number;
  /** V >= 0. */
  readonly value: number;
  /** L = 1 + (issue, group and action weights) / 100 > 0. */
  readonly leverFactor: number;
  /** Subtracted from the priority. */
  readonly channelCost: number;
  /** Keyed hash of the normalised address on this channel; null when the user has none. */
  readonly addressHash: string | null;
}

/** All facts that one decision rests on, read at one instant. */
export interface DecisionInput {
  readonly now: InstantMs;
  readonly user: {
    readonly id: string;
    readonly state: 'known' | 'unknown' | 'erased';
    /** Attribute document that conditions are tested on. */
    readonly attributes: Readonly<Record<string, unknown>>;
    /** IANA zones in one of which the user is; more than one when in doubt, never none. */
    readonly zones: readonly string[];
    readonly zoneSource: string;
  };
  readonly isKillSwitchOn: boolean;
  /** Null when no run asks (the decision endpoint). */
  readonly run: {
    readonly runKey: string;
    readonly journeyKey: string;
    readonly state: 'active' | 'paused' | 'exited';
  } | null;
  readonly candidates: readonly Candidate[];
  /** What silence is worth; an action must be strictly better. */
  readonly doNothingValue: number;
  readonly consents: readonly ConsentRecord[];
  readonly suppressions: readonly Suppression[];
  readonly quietRules: readonly QuietRule[];
  readonly capRules: readonly CapRule[];
  /** Contacts within the longest window of any cap rule, newest first. */
  readonly contacts: readonly Contact[];
}

/** Gates in the order in which they decide. */
export type GateName =
  'kill_switch' | 'identity' | 'suppression' | 'consent' | 'exit' | 'next_best_action' | 'quiet_hours' | 'caps';

/** One gate's answer about one candidate (or about everything, when `candidate` is null). */
export interface GateVerdict {
  readonly gate: GateName;
  readonly candidate: string | null;
  readonly kind: 'pass' | 'refuse' | 'defer';
  readonly reason: ReasonCode | null;
  /** The rule that spoke, as `id@version`; null when the gate has no rules of its own. */
  readonly rule: string | null;
  /** First instant at which this gate would pass, when it is known. */
  readonly until: InstantMs | null;
  /** Facts that the verdict rests on, small and printable. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

/** How one candidate fared in the arbitration, term by term. */
export interface CandidateScore {
  readonly key: string;
  readonly channel: string;
  readonly propensity: number;
  /** The factor C, not the weight. */
  readonly context: number;
  readonly value: number;
  /** The factor L, not the weight. */
  readonly levers: number;
  /** P x C x V x L. */
  readonly priority: number;
  readonly channelCost: number;
  readonly fatigueCost: number;
  /** priority - channelCost - fatigueCost */
  readonly net: number;
  /** Why it was not chosen; null for the winner. */
  readonly lostBecause: ReasonCode | null;
}

/** A change, as small as possible, after which the answer would have been another one. */
export interface Counterfactual {
  readonly gate: GateName;
  readonly candidate: string | null;
  /** Plain English, e.g. `if consent for marketing on email were granted`. */
  readonly change: string;
  /** Instant from which time alone makes the change; null when it takes more than waiting. */
  readonly after: InstantMs | null;
}

/** Act now, ask again later, or leave the person alone. */
export type DecisionOutcome =
  | { readonly kind: 'act'; readonly action: string; readonly channel: string; readonly template: string }
  | { readonly kind: 'defer'; readonly action: string; readonly reason: ReasonCode; readonly until: InstantMs }
  | { readonly kind: 'do_nothing'; readonly reason: ReasonCode };

/** The whole answer: re-evaluating the same input gives the same value, bit for bit. */
export interface Decision {
  readonly outcome: DecisionOutcome;
  readonly gates: readonly GateVerdict[];
  readonly candidates: readonly CandidateScore[];
  readonly doNothingValue: number;
  readonly counterfactuals: readonly Counterfactual[];
}
