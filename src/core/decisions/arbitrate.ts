import { assert } from '../kernel/assert.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { Candidate, CandidateScore, Factors, ScoredCandidate, UnscoredCandidate } from './types.js';

/** More candidates than this are a mistake of whoever built the list. */
const CANDIDATES_MAX = 1_000;

/**
 * Ranks candidates by net value, best first: priority P x C x V x L, less the channel's cost and, for what rests on
 * consent, the cost of fatigue. A factor that is switched off counts as 1.
 * Ties go to the higher priority, of the channels of one message to the one whose place comes first, then to the smaller
 * key (by code unit), so the same facts give the same order.
 *
 * Doing nothing competes at `doNothingValue`: a candidate must be strictly better. `refusals` names candidates that
 * were refused before; they are scored all the same, with that reason, and cannot win. Those that must not be scored
 * stand last, by key and without terms.
 *
 * @returns every candidate with its terms; the first one whose `lostBecause` is null is the winner, there may be none
 * @throws AssertionError if a number is not finite or out of its range, a key comes twice, or there are too many
 * @see the published log reproduced in arbitrate.spec.ts (tolerance 1e-12)
 */
export function arbitrate(input: {
  readonly candidates: readonly Candidate[];
  readonly doNothingValue: number;
  readonly factors: Factors;
  /** >= 0 */
  readonly fatigueCost: number;
  readonly refusals: ReadonlyMap<string, ReasonCode>;
  /** Keys of refused candidates of which no score may be made. */
  readonly unscored: ReadonlySet<string>;
}): readonly CandidateScore[] {
  const { candidates, doNothingValue, refusals, unscored } = input;
  assert(candidates.length <= CANDIDATES_MAX, `${candidates.length} candidates, at most ${CANDIDATES_MAX}`);
  assert(new Set(candidates.map(({ key }) => key)).size === candidates.length, 'a candidate key comes twice');
  assert(Number.isFinite(doNothingValue), 'the value of doing nothing is no number');
  const places = new Map(candidates.map(({ key, choice }) => [key, choice?.place ?? 0]));
  const placeOf = ({ key }: ScoredCandidate): number => places.get(key) ?? 0;
  let isWon = false;
  const ranked = candidates
    .filter(({ key }) => !unscored.has(key))
    .map((candidate) => scoreCandidate(candidate, input))
    .sort((left, right) => compareWorth(left, right) || placeOf(left) - placeOf(right) || compareKeys(left, right))
    .map((score): CandidateScore => {
      const refusal = refusals.get(score.key);
      if (refusal !== undefined) return { ...score, lostBecause: refusal };
      if (score.net <= doNothingValue) return { ...score, lostBecause: 'BELOW_THRESHOLD' };
      if (isWon) return { ...score, lostBecause: 'LOWER_PRIORITY' };
      isWon = true;
      return score;
    });
  const others = candidates
    .filter(({ key }) => unscored.has(key))
    .map((candidate) => withoutTerms(candidate, refusals));
  return [...ranked, ...others.sort(compareKeys)];
}

/** Whether it has terms that can be compared. */
export function isScored(score: CandidateScore): score is ScoredCandidate {
  return score.net !== null;
}

function withoutTerms({ key, channel }: Candidate, refusals: ReadonlyMap<string, ReasonCode>): UnscoredCandidate {
  const lostBecause = refusals.get(key);
  assert(lostBecause !== undefined, `${key} is not scored and was not refused`);
  return {
    key,
    channel,
    propensity: null,
    context: null,
    value: null,
    levers: null,
    priority: null,
    channelCost: null,
    fatigueCost: null,
    net: null,
    lostBecause,
  };
}

/** One candidate's terms; `lostBecause` is still open. @throws AssertionError if a number is out of its range */
export function scoreCandidate(
  candidate: Candidate,
  terms: { readonly factors: Factors; readonly fatigueCost: number },
): ScoredCandidate {
  const { key, channel, channelCost, legalBasis } = candidate;
  const { propensity, context, value, levers } = factorsOf(candidate, terms.factors);
  assert(propensity >= 0 && propensity <= 1, `propensity of ${key} out of range: ${propensity}`);
  assert(Number.isFinite(context) && context > 0, `context factor of ${key} out of range: ${context}`);
  assert(Number.isFinite(value) && value >= 0, `value of ${key} out of range: ${value}`);
  assert(Number.isFinite(levers) && levers > 0, `lever factor of ${key} out of range: ${levers}`);
  assert(Number.isFinite(channelCost), `channel cost of ${key} is no number`);
  const priority = propensity * context * value * levers;
  assert(Number.isFinite(priority), `priority of ${key} is too large`);
  const fatigueCost = legalBasis === 'consent' ? terms.fatigueCost : 0;
  const net = priority - channelCost - fatigueCost;
  return {
    key,
    channel,
    propensity,
    context,
    value,
    levers,
    priority,
    channelCost,
    fatigueCost,
    net,
    lostBecause: null,
  };
}

function factorsOf(
  candidate: Candidate,
  factors: Factors,
): Pick<ScoredCandidate, 'propensity' | 'context' | 'value' | 'levers'> {
  return {
    propensity: factors.propensity ? candidate.propensity : 1,
    context: factors.context ? candidate.contextFactor : 1,
    value: factors.value ? candidate.value : 1,
    levers: factors.levers ? candidate.leverFactor : 1,
  };
}

/** Net value, then priority, both falling; 0 for those that are worth the same. */
export function compareWorth(left: ScoredCandidate, right: ScoredCandidate): number {
  return left.net === right.net ? right.priority - left.priority : right.net - left.net;
}

/** By code unit; 0 for the same key. */
export function compareKeys({ key: left }: CandidateScore, { key: right }: CandidateScore): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
