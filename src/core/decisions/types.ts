import type { Condition } from '../audiences/condition.js';
import type { ConsentRecord } from '../consent/consent-record.js';
import type { CapRule, Contact } from '../fatigue/cap-rule.js';
import type { FatigueModel } from '../fatigue/fatigue-model.js';
import type { Outcome } from '../fatigue/outcome.js';
import type { PauseRule } from '../fatigue/pause-rule.js';
import type { DurationMs, InstantMs } from '../kernel/instant.js';
import type { LegalBasis } from '../kernel/legal-basis.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { PlaceZones } from '../quiet-hours/next-allowed-instant.js';
import type { QuietRule } from '../quiet-hours/quiet-rule.js';
import type { Suppression } from '../suppression/suppression.js';

/** How one of the channels of a message stands among the others. */
interface ChannelChoice {
  /** 0 comes first. */
  readonly place: number;
  /** It is the channel that the person prefers. */
  readonly isPreferred: boolean;
  /** What the account that would carry the message asks; 0 where it does not say. */
  readonly cost: number;
  /** Somebody carries messages of the channel to this person now. */
  readonly isCarried: boolean;
}

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
  /** The business question that the action answers, e.g. `retention`; null when it belongs to none. */
  readonly issue: string | null;
  /** The group of actions within the issue; caps, pauses and levers may speak of it. */
  readonly group: string | null;
  /** May this person have it at all (by contract, age, product)? Null: everybody. */
  readonly eligibility: Condition | null;
  /** Does it make sense for this person now? Null: for everybody. */
  readonly applicability: Condition | null;
  /** Is it right for this person (even if allowed and sensible)? Null: for everybody. */
  readonly suitability: Condition | null;
  /** How long after it was ready the message still makes sense; null: as long as it takes. */
  readonly ttlMs: DurationMs | null;
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
  /** Key of the account that asks this cost, being the first to carry the message; left out: the cost is the action's own. */
  readonly costAskedBy?: string;
  /** Decides between those that are worth the same; left out: their keys do. */
  readonly choice?: ChannelChoice;
  /** Keyed hash of the normalised address on this channel; null when the user has none. */
  readonly addressHash: string | null;
}

/** Which factors of P x C x V x L are used; one that is switched off counts as 1. */
export interface Factors {
  readonly propensity: boolean;
  readonly context: boolean;
  readonly value: boolean;
  readonly levers: boolean;
}

/** A part of the users that is deliberately left alone, so that effects can be measured. */
export interface Holdout {
  readonly id: string;
  readonly version: number;
  /** Assignment is a pure function of salt and user. */
  readonly salt: string;
  /** In [0, 1]. */
  readonly share: number;
  readonly purposes: readonly string[];
}

/** The place of a run among other runs of its user: of one group, only the run of the highest priority may speak. */
export interface RunConflict {
  readonly group: string;
  readonly priority: number;
  readonly enteredAt: InstantMs;
}

/** A message of another run of the same user that waits, or has just waited, for the same opening. */
export interface Rival {
  readonly runKey: string;
  readonly journeyKey: string;
  readonly stepId: string;
  readonly runState: 'active' | 'paused' | 'exited';
  readonly candidate: Candidate;
  /** First instant that was foreseen as allowed. */
  readonly opening: InstantMs;
  /** From here on its place is free for others: it has not come for it. */
  readonly passesOnAt: InstantMs;
}

/** The word of an operator that a person is not to be contacted, on whatever basis. */
export interface UserHold {
  readonly since: InstantMs;
  /** Null: until it is lifted. */
  readonly until: InstantMs | null;
}

/** Marketing by e-mail is held back, because of what became of the latest e-mails of the sending domain. */
export interface SendingPause {
  readonly domain: string;
  /** What there were too many of. */
  readonly cause: 'complaints' | 'bounces' | null;
  readonly since: InstantMs;
}

/** All facts that one decision rests on, read at one instant. */
export interface DecisionInput {
  readonly now: InstantMs;
  /** Since when the message could have gone out, as far as the journey is concerned: what a TTL counts from. */
  readonly readyAt: InstantMs;
  readonly user: {
    readonly id: string;
    readonly state: 'known' | 'unknown' | 'erased';
    /** Attribute document that conditions are tested on. */
    readonly attributes: Readonly<Record<string, unknown>>;
    /** IANA zones in one of which the user is; more than one when in doubt, never none. */
    readonly zones: readonly string[];
    readonly zoneSource: string;
    /** ISO 3166 codes of every place whose law may protect the person, e.g. `US-FL`; none when nothing is known. */
    readonly jurisdictions: readonly string[];
    /** Those of `jurisdictions` in none of whose zones the person is said to be, with these zones; left out: none. */
    readonly placesElsewhere?: readonly PlaceZones[];
    /** An operator keeps everybody from contacting the person; left out: nobody does. */
    readonly hold?: UserHold;
  };
  readonly isKillSwitchOn: boolean;
  /** Left out: marketing by e-mail may go out. */
  readonly sendingPause?: SendingPause;
  /** Null when no run asks (the decision endpoint). */
  readonly run: {
    readonly runKey: string;
    readonly journeyKey: string;
    readonly state: 'active' | 'paused' | 'exited';
    /** The whole journey is; left out: it is not. */
    readonly isJourneyPaused?: true;
    /** Null: the journey competes with no other. */
    readonly conflict: RunConflict | null;
  } | null;
  /** Other running runs of the user that compete with others. */
  readonly otherRuns: readonly (RunConflict & { readonly runKey: string; readonly journeyKey: string })[];
  readonly candidates: readonly Candidate[];
  /** What silence is worth; an action must be strictly better. */
  readonly doNothingValue: number;
  readonly factors: Factors;
  readonly consents: readonly ConsentRecord[];
  readonly suppressions: readonly Suppression[];
  readonly quietRules: readonly QuietRule[];
  readonly capRules: readonly CapRule[];
  /** Contacts within the longest window of any cap rule, newest first. */
  readonly contacts: readonly Contact[];
  readonly pauseRules: readonly PauseRule[];
  /** Null: nobody is ever tired. */
  readonly fatigueModel: FatigueModel | null;
  /** What became of contacts, within the longest window of any pause rule and eight half-lives of the model. */
  readonly outcomes: readonly Outcome[];
  readonly rivals: readonly Rival[];
  /** The decision that took this run's place when both waited for one opening; null when none did. */
  readonly beatenBy: string | null;
  readonly holdouts: readonly Holdout[];
}

/** Gates in the order in which they decide. */
export type GateName =
  | 'kill_switch'
  | 'user_hold'
  | 'journey_pause'
  | 'identity'
  | 'suppression'
  | 'consent'
  | 'exit'
  | 'journey_conflict'
  | 'next_best_action'
  | 'pause'
  | 'fatigue'
  | 'expiry'
  | 'quiet_hours'
  | 'caps'
  | 'sending_pause'
  | 'pending_candidates'
  | 'holdout';

/** One gate's answer, about everything or about those candidates of which it says the very same. */
export interface GateVerdict {
  readonly gate: GateName;
  /** Keys in the order of the input; null when the answer is about everything. */
  readonly candidates: readonly string[] | null;
  readonly kind: 'pass' | 'refuse' | 'defer';
  readonly reason: ReasonCode | null;
  /** The rule that spoke, as `id@version`; null when the gate has no rules of its own. */
  readonly rule: string | null;
  /** First instant at which this gate would pass, when it is known. */
  readonly until: InstantMs | null;
  /** Facts that the verdict rests on, small and printable. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

/** The terms of the arbitration: numbers, or null where none may be worked out. */
interface ScoreTerms<Term extends number | null> {
  readonly propensity: Term;
  /** The factor C, not the weight. */
  readonly context: Term;
  readonly value: Term;
  /** The factor L, not the weight. */
  readonly levers: Term;
  /** P x C x V x L. */
  readonly priority: Term;
  readonly channelCost: Term;
  readonly fatigueCost: Term;
  /** priority - channelCost - fatigueCost */
  readonly net: Term;
}

/** How one candidate fared in the arbitration, term by term. */
export interface ScoredCandidate extends ScoreTerms<number> {
  readonly key: string;
  readonly channel: string;
  /** Why it was not chosen; null for the winner. */
  readonly lostBecause: ReasonCode | null;
}

/** One that was refused before it was weighed: no marketing score is made of a person who objects to marketing. */
export interface UnscoredCandidate extends ScoreTerms<null> {
  readonly key: string;
  readonly channel: string;
  readonly lostBecause: ReasonCode;
}

/** What became of one candidate. */
export type CandidateScore = ScoredCandidate | UnscoredCandidate;

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
  | {
      readonly kind: 'do_nothing';
      readonly reason: ReasonCode;
      /** A cap said so: the step is passed over, whatever it says about refusals. */
      readonly isPassedOver?: true;
    };

/** The whole answer: re-evaluating the same input gives the same value, bit for bit. */
export interface Decision {
  readonly outcome: DecisionOutcome;
  readonly gates: readonly GateVerdict[];
  readonly candidates: readonly CandidateScore[];
  readonly doNothingValue: number;
  readonly counterfactuals: readonly Counterfactual[];
}
