import { assert } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import type { ReasonCode } from '../kernel/reasons.js';
import { isScored } from './arbitrate.js';
import { overtakeText } from './change-text.js';
import { decide } from './decide.js';
import { explainDecision, explainLoss, type ExplanationContext } from './explain.js';
import { supposeWorth } from './suppose.js';
import type { CandidateScore, Decision, DecisionInput, ScoredCandidate } from './types.js';

/** How many candidates that stand before it are tried as the one to overtake. */
const BARS_TRIED_MAX = 8;

/** Why one action was, or was not, the answer. */
export interface CandidateExplanation {
  readonly sentence: string;
  /** `waits`: it was the answer, but not yet. */
  readonly standing: 'chosen' | 'waits' | 'lost';
  /** Null when it was chosen. */
  readonly reason: ReasonCode | null;
  /** What would have made it the answer, e.g. `if consent for marketing on email were granted`; null: nothing may. */
  readonly change: string | null;
  /** Instant from which time alone makes the change; null when it takes more than waiting. */
  readonly after: InstantMs | null;
}

/**
 * Why this action was, or was not, the answer, also where another action won. What would have changed it is asked of
 * the action by itself: what its own gates say, and then how much it lacks against the one that stands before it.
 *
 * @param input the very input of the decision
 * @throws AssertionError if the action was not among the candidates
 */
export function explainCandidate(
  { input, decision }: { readonly input: DecisionInput; readonly decision: Decision },
  key: string,
  about: ExplanationContext,
): CandidateExplanation {
  const context = { ...about, weighed: input.candidates };
  const score = decision.candidates.find((each) => each.key === key);
  assert(score !== undefined, `${key} was not weighed`);
  const { outcome, counterfactuals } = decision;
  if (outcome.kind !== 'do_nothing' && outcome.action === key) {
    const isChosen = outcome.kind === 'act';
    return {
      sentence: explainDecision(decision, context),
      standing: isChosen ? 'chosen' : 'waits',
      reason: isChosen ? null : outcome.reason,
      change: counterfactuals[0]?.change ?? null,
      after: counterfactuals[0]?.after ?? null,
    };
  }
  const reason = score.lostBecause;
  assert(reason !== null, `${key} lost without a reason`);
  const { change, after } = changeFor(input, decision, score);
  return { sentence: explainLoss(decision, { key, reason, change }, context), standing: 'lost', reason, change, after };
}

function changeFor(
  input: DecisionInput,
  decision: Decision,
  score: CandidateScore,
): Pick<CandidateExplanation, 'change' | 'after'> {
  const candidates = input.candidates.filter(({ key }) => key === score.key);
  if (!isScored(score)) return changeOfUnscored({ ...input, candidates }, decision);
  // Worth more than silence, so that only its gates can hold it back.
  const doNothingValue = Math.min(input.doNothingValue, score.net - 1);
  const alone = decide({ ...input, candidates, doNothingValue });
  const isFree = alone.outcome.kind === 'act';
  const bar = isFree ? barToWin(input, decision, score) : barOf(decision, score);
  const [candidate] = candidates;
  assert(candidate !== undefined, `${score.key} was not weighed`);
  const rival = input.candidates.find(({ key }) => key === bar?.key);
  const worth = bar === null ? null : overtakeText(score, bar.net, { candidate, rival });
  if (isFree) return { change: worth, after: null };
  const [gates] = alone.counterfactuals;
  if (gates === undefined) return { change: null, after: null };
  if (worth === null) return { change: gates.change, after: gates.after };
  return { change: `${gates.change} and ${worth}`, after: null };
}

/** Whether it would have come first cannot be said without a score: only where nothing else did is there a change. */
function changeOfUnscored(alone: DecisionInput, { outcome }: Decision): Pick<CandidateExplanation, 'change' | 'after'> {
  const change = outcome.kind === 'do_nothing' ? decide(alone).counterfactuals[0] : undefined;
  return { change: change?.change ?? null, after: change?.after ?? null };
}

/** What has to be overtaken: a candidate, or silence. */
interface Bar {
  readonly key: string | null;
  readonly net: number;
}

/** What it would have to be worth more than, its gates apart; null when neither the winner nor silence is. */
function barOf({ candidates, doNothingValue }: Decision, score: ScoredCandidate): Bar | null {
  const before = candidates.slice(0, candidates.indexOf(score)).filter(isScored);
  const winner = before.find(({ lostBecause }) => lostBecause === null);
  return winner ?? (score.net > doNothingValue ? null : { key: null, net: doNothingValue });
}

/** The same for one that nothing but its worth holds back. Without a winner one before it may have ended the race. */
function barToWin(input: DecisionInput, decision: Decision, score: ScoredCandidate): Bar | null {
  const { candidates } = decision;
  const refused: readonly Bar[] = candidates
    .slice(0, candidates.indexOf(score))
    .filter(isScored)
    .filter(({ lostBecause }) => lostBecause !== 'LOWER_PRIORITY' && lostBecause !== 'BELOW_THRESHOLD');
  const bar = barOf(decision, score);
  const bars = [...(bar === null ? [] : [bar]), ...refused.toReversed().slice(0, BARS_TRIED_MAX)];
  return bars.find(({ net }) => winsWith(input, score, net)) ?? bars.at(-1) ?? null;
}

/** Whether it would be chosen if it were worth more than that. */
function winsWith(input: DecisionInput, { key, net }: ScoredCandidate, bar: number): boolean {
  const candidate = input.candidates.find((each) => each.key === key);
  assert(candidate !== undefined, `${key} was not weighed`);
  const { outcome } = decide(supposeWorth({ input, candidate }, bar - net).input);
  return outcome.kind === 'act' && outcome.action === key;
}
