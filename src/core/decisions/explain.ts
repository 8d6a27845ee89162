import { unreachable } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import { REASONS, type ReasonCode } from '../kernel/reasons.js';
import { isScored } from './arbitrate.js';
import { precedenceText } from './choose-channel.js';
import { factsText, worthText } from './facts-text.js';
import { instantText, valueText } from './text.js';
import type { Candidate, CandidateScore, Decision, DecisionOutcome, GateVerdict, ScoredCandidate } from './types.js';

const LABEL_DEFAULT = 'this user';

/** Nobody knows whether what is held up may go out by the end of the wait. */
const HELD: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'KILL_SWITCH',
  'USER_ON_HOLD',
  'JOURNEY_PAUSED',
  'SENDING_PAUSED',
]);

/** Whether the decision was made, would have been made had somebody asked then, or would be made at a later instant. */
type Mood = 'made' | 'supposed_then' | 'supposed_ahead';

/** Who the sentence is about, and when the decision was made. */
export interface ExplanationContext {
  /** How the reader knows the user; plain text, shown as it is but for white space. */
  readonly userLabel?: string;
  readonly decidedAt: InstantMs;
  /** `made` when left out. */
  readonly mood?: Mood;
  /** What was weighed, by which channels of one message are told apart; left out: nothing was to be told apart. */
  readonly weighed?: readonly Candidate[];
}

interface Verbs {
  readonly was: string;
  readonly wasNot: string;
  readonly again: string;
  readonly otherwise: string;
}

const VERBS: Readonly<Record<Mood, Verbs>> = {
  made: {
    was: 'was',
    wasNot: 'was not',
    again: 'will be asked again',
    otherwise: 'it would have been different',
  },
  supposed_then: {
    was: 'would have been',
    wasNot: 'would not have been',
    again: 'would have been asked again',
    otherwise: 'it would have been different',
  },
  supposed_ahead: {
    was: 'would be',
    wasNot: 'would not be',
    again: 'would be asked again',
    otherwise: 'it would be different',
  },
};

/**
 * One English sentence for people who never saw the code: what was decided, why, what else stood in the way, and the
 * smallest change that would have made it different. Plain text: whoever shows it escapes it.
 */
export function explainDecision(decision: Decision, context: ExplanationContext): string {
  return sentence(answerText(decision, context), decision.counterfactuals[0]?.change ?? null, context);
}

/**
 * The same about one action that was not chosen: why it lost, whatever won.
 *
 * @param change what would have made it the answer; null when nothing may
 */
export function explainLoss(
  decision: Decision,
  lost: { readonly key: string; readonly reason: ReasonCode; readonly change: string | null },
  context: ExplanationContext,
): string {
  const { key, reason, change } = lost;
  const cause = `${lossText(decision, { key, reason }, context)}${othersText(decision, key, reasonsTold(decision, reason))}`;
  const answer = `${key} ${VERBS[context.mood ?? 'made'].wasNot} chosen for ${labelOf(context)}, because ${cause}`;
  return sentence(answer, change, context);
}

/** Who was worth less is also told why the better one did not go out. */
function reasonsTold({ outcome }: Decision, reason: ReasonCode): readonly (ReasonCode | null)[] {
  return reason === 'LOWER_PRIORITY' && outcome.kind !== 'act' ? [reason, outcome.reason] : [reason];
}

function lossText(
  decision: Decision,
  { key, reason }: { readonly key: string; readonly reason: ReasonCode },
  context: ExplanationContext,
): string {
  const own = decision.candidates.filter(isScored).find((score) => score.key === key);
  if (reason === 'BELOW_THRESHOLD' && own !== undefined) {
    return `${worthText(own)}, not more than doing nothing (${valueText(decision.doNothingValue)})`;
  }
  const deciding = verdictOn(decision, key, reason);
  if (deciding !== null) return `${REASONS[reason]}${factsAfter(decision, deciding)}`;
  return reason === 'LOWER_PRIORITY'
    ? overtakenText(decision, key, context)
    : behindText(decision, { key, reason }, context);
}

function sentence(answer: string, change: string | null, { decidedAt, mood = 'made' }: ExplanationContext): string {
  return `At ${instantText(decidedAt)}, ${answer}${change === null ? '' : `; ${VERBS[mood].otherwise} ${change}`}.`;
}

function labelOf({ userLabel }: ExplanationContext): string {
  return (userLabel ?? LABEL_DEFAULT).replace(/\s+/g, ' ').trim();
}

function answerText(decision: Decision, context: ExplanationContext): string {
  const { outcome } = decision;
  const label = labelOf(context);
  const { was, wasNot, again } = VERBS[context.mood ?? 'made'];
  switch (outcome.kind) {
    case 'act': {
      const { action, channel } = outcome;
      return `${action} on ${channel} ${was} chosen for ${label}, because ${worthiestText(decision, outcome, context)}`;
    }
    case 'defer': {
      const until = `${instantText(outcome.until)}${HELD.has(outcome.reason) ? `, when it ${again}` : ''}`;
      return `${outcome.action} for ${label} ${was} put off until ${until}, because ${causeText(decision, outcome)}`;
    }
    case 'do_nothing':
      return `${label} ${wasNot} contacted, because ${causeText(decision, outcome)}`;
    default:
      return unreachable(outcome);
  }
}

/** What the chosen one was worth, what came after it, and why what was worth more could not be chosen. */
function worthiestText(
  decision: Decision,
  { action }: { readonly action: string },
  context: ExplanationContext,
): string {
  const { candidates, doNothingValue } = decision;
  const rank = candidates.findIndex(({ key }) => key === action);
  const net = candidates[rank]?.net ?? 0;
  const behind = candidates.slice(rank + 1).filter(isScored);
  const second = behind.find(({ lostBecause }) => lostBecause === 'LOWER_PRIORITY');
  const worth = `it was worth ${valueText(net)}, more than doing nothing (${valueText(doNothingValue)})`;
  return `${worth}${secondText(second, candidates[rank], context)}${betterText(decision, candidates.slice(0, rank).filter(isScored))}`;
}

function secondText(
  second: ScoredCandidate | undefined,
  first: CandidateScore | undefined,
  context: ExplanationContext,
): string {
  if (second === undefined) return '';
  const named = `${second.key} (${valueText(second.net)})`;
  if (first === undefined || second.net !== first.net) return ` and ${named}`;
  const why = firstText(first, second, context);
  return `, and comes before ${named}${why === null ? '' : `, since ${why}`}`;
}

/** Why one of two that are worth the same comes before the other; null where only their names tell. */
function firstText(
  first: { readonly key: string; readonly net: number | null },
  second: ScoredCandidate,
  { weighed = [] }: ExplanationContext,
): string | null {
  if (first.net !== second.net) return null;
  const [one, other] = [first, second].map(({ key }) => weighed.find((candidate) => candidate.key === key));
  return precedenceText(one, other);
}

function betterText(decision: Decision, better: readonly ScoredCandidate[]): string {
  const [first] = better;
  if (first === undefined || first.lostBecause === null) return '';
  const { key, net, lostBecause } = first;
  const facts = factsAfter(decision, verdictOn(decision, key, lostBecause));
  const others = better.length === 1 ? '' : `, and ${better.length - 1} more could not be chosen either`;
  return `; ${key} (${valueText(net)}) would have come first, but ${REASONS[lostBecause]}${facts}${others}`;
}

/** The deciding reason with its facts, then whatever else stood in the way of the same candidate. */
function causeText(decision: Decision, outcome: Exclude<DecisionOutcome, { kind: 'act' }>): string {
  const { reason } = outcome;
  const own = outcome.kind === 'defer' ? verdictOn(decision, outcome.action, reason) : null;
  const deciding = own ?? decidingVerdict(decision, reason);
  const others = deciding === null ? '' : othersText(decision, deciding.key, [reason]);
  return `${REASONS[reason]}${factsAfter(decision, deciding)}${others}`;
}

/** A verdict, and the candidate about which it decided; null when it is about everything. */
interface Deciding {
  readonly verdict: GateVerdict;
  readonly key: string | null;
}

/** Of verdicts with this reason, the one about everything, or else about the candidate that ranks highest. */
function decidingVerdict(decision: Decision, reason: ReasonCode): Deciding | null {
  const general = decision.gates.find((verdict) => verdict.reason === reason && verdict.candidates === null);
  if (general !== undefined) return { verdict: general, key: null };
  for (const { key } of decision.candidates) {
    const deciding = verdictOn(decision, key, reason);
    if (deciding !== null) return deciding;
  }
  return null;
}

/** What was said with this reason about everything or about this candidate. */
function verdictOn({ gates }: Decision, key: string, reason: ReasonCode): Deciding | null {
  const verdict = gates.find(
    (each) => each.reason === reason && each.kind !== 'pass' && (each.candidates === null || isAbout(each, key)),
  );
  return verdict === undefined ? null : { verdict, key: verdict.candidates === null ? null : key };
}

function factsAfter(decision: Decision, deciding: Deciding | null): string {
  return deciding === null ? '' : factsText(deciding.verdict, deciding.key, decision);
}

function isAbout({ candidates }: GateVerdict, key: string): boolean {
  return candidates?.includes(key) ?? false;
}

function othersText({ gates }: Decision, key: string | null, told: readonly (ReasonCode | null)[]): string {
  const others = gates.filter(
    (verdict) =>
      verdict.kind !== 'pass' &&
      !told.includes(verdict.reason) &&
      !(verdict.gate === 'next_best_action' && verdict.candidates === null) &&
      (verdict.candidates === null || (key !== null && isAbout(verdict, key))),
  );
  const texts = [...new Set(others.flatMap(({ reason }) => (reason === null ? [] : REASONS[reason])))];
  return texts.length === 0 ? '' : ` (also in the way: ${texts.join(', ')})`;
}

/** What came before this candidate, and what became of it. */
function overtakenText({ candidates, outcome }: Decision, key: string, context: ExplanationContext): string {
  const scores = candidates.filter(isScored);
  const own = scores.find((score) => score.key === key);
  const rival = scores.find(({ lostBecause }) => lostBecause === null) ?? scores[0];
  if (own === undefined || rival === undefined || rival === own) return REASONS.LOWER_PRIORITY;
  const worth = beforeText(rival, own, context);
  switch (outcome.kind) {
    case 'act':
      return worth;
    case 'defer':
      return `${worth} and is waited for until ${instantText(outcome.until)}, because ${REASONS[outcome.reason]}`;
    case 'do_nothing':
      return `${worth} and left no room for a lesser one, because ${REASONS[outcome.reason]}`;
  }
}

/** The same of one that was not asked, though it was worth more than the chosen one: what stopped the one before it. */
function behindText(
  decision: Decision,
  { key, reason }: { readonly key: string; readonly reason: ReasonCode },
  context: ExplanationContext,
): string {
  const scores = decision.candidates.filter(isScored);
  const own = scores.find((score) => score.key === key);
  const first = scores.find(({ lostBecause }) => lostBecause === reason);
  if (own === undefined || first === undefined || first === own) return REASONS[reason];
  const facts = factsAfter(decision, verdictOn(decision, first.key, reason));
  return `${beforeText(first, own, context)} and left no room for a lesser one, because ${REASONS[reason]}${facts}`;
}

/** That the rival comes first, be it by its worth or as the better channel of the same message. */
function beforeText(rival: ScoredCandidate, own: ScoredCandidate, context: ExplanationContext): string {
  const why = firstText(rival, own, context);
  return why === null
    ? `${REASONS.LOWER_PRIORITY} (${worthsText(rival, own)})`
    : `${rival.key} comes before it (${why})`;
}

const worthsText = (rival: ScoredCandidate, own: ScoredCandidate): string =>
  `${rival.key} ${valueText(rival.net)}, ${own.key} ${valueText(own.net)}`;
