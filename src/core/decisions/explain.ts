import { unreachable } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import { REASONS } from '../kernel/reasons.js';
import { instantText, valueText } from './text.js';
import type { Decision, DecisionOutcome, GateVerdict } from './types.js';

const LABEL_DEFAULT = 'this user';

/** Who the sentence is about, and when the decision was made. */
export interface ExplanationContext {
  /** How the reader knows the user; plain text, shown as it is but for white space. */
  readonly userLabel?: string;
  readonly decidedAt: InstantMs;
}

/**
 * One English sentence for people who never saw the code: what was decided, why, what else stood in the way, and the
 * smallest change that would have made it different. Plain text: whoever shows it escapes it.
 */
export function explainDecision(decision: Decision, { userLabel, decidedAt }: ExplanationContext): string {
  const label = (userLabel ?? LABEL_DEFAULT).replace(/\s+/g, ' ').trim();
  const [nearest] = decision.counterfactuals;
  const otherwise = nearest === undefined ? '' : `; it would have been different ${nearest.change}`;
  return `At ${instantText(decidedAt)}, ${answerText(decision, label)}${otherwise}.`;
}

function answerText(decision: Decision, label: string): string {
  const { outcome } = decision;
  switch (outcome.kind) {
    case 'act':
      return `${outcome.action} on ${outcome.channel} was chosen for ${label}, because ${worthText(decision, outcome)}`;
    case 'defer':
      return `${outcome.action} for ${label} was put off until ${instantText(outcome.until)}, because ${causeText(decision, outcome)}`;
    case 'do_nothing':
      return `${label} was not contacted, because ${causeText(decision, outcome)}`;
    default:
      return unreachable(outcome);
  }
}

function worthText({ candidates, doNothingValue }: Decision, { action }: { readonly action: string }): string {
  const net = candidates.find(({ key }) => key === action)?.net ?? 0;
  const second = candidates.find(({ lostBecause }) => lostBecause === 'LOWER_PRIORITY');
  const others = second === undefined ? '' : ` and ${second.key} (${valueText(second.net)})`;
  return `it was worth ${valueText(net)}, more than doing nothing (${valueText(doNothingValue)})${others}`;
}

/** The deciding reason with its facts, then whatever else stood in the way of the same candidate. */
function causeText(decision: Decision, outcome: Exclude<DecisionOutcome, { kind: 'act' }>): string {
  const deciding = decidingVerdict(decision, outcome);
  const cause = `${REASONS[outcome.reason]}${deciding === null ? '' : factsText(deciding, decision)}`;
  const others = deciding === null ? [] : otherReasons(decision, deciding);
  return others.length === 0 ? cause : `${cause} (also in the way: ${others.join(', ')})`;
}

/** Of verdicts with the outcome's reason, the one about the candidate that ranks highest. */
function decidingVerdict(
  { gates, candidates }: Decision,
  { reason }: { readonly reason: GateVerdict['reason'] },
): GateVerdict | null {
  const speaking = gates.filter((verdict) => verdict.reason === reason);
  const ranked = candidates.flatMap(({ key }) => speaking.find(({ candidate }) => candidate === key) ?? []);
  return speaking.find(({ candidate }) => candidate === null) ?? ranked[0] ?? null;
}

function otherReasons({ gates }: Decision, deciding: GateVerdict): readonly string[] {
  const others = gates.filter(
    ({ gate, kind, candidate, reason }) =>
      kind !== 'pass' &&
      reason !== deciding.reason &&
      !(gate === 'next_best_action' && candidate === null) &&
      (candidate === null || candidate === deciding.candidate),
  );
  return [...new Set(others.flatMap(({ reason }) => (reason === null ? [] : REASONS[reason])))];
}

function factsText({ gate, reason, rule, facts }: GateVerdict, { candidates, doNothingValue }: Decision): string {
  if (gate === 'caps') {
    const window = facts.window === 'calendar day' ? 'this calendar day' : `the last ${facts.window}`;
    return ` (${facts.count} of ${facts.limit} in ${window}, rule ${rule})`;
  }
  if (gate === 'quiet_hours') return ` (rule ${rule}, ${facts.zone})`;
  const best = candidates.find(({ lostBecause }) => lostBecause === 'BELOW_THRESHOLD');
  if (reason !== 'BELOW_THRESHOLD' || best === undefined) return '';
  return ` (${best.key} was worth ${valueText(best.net)}, doing nothing ${valueText(doNothingValue)})`;
}
