import { SECOND_MS } from '../kernel/instant.js';
import { REASONS } from '../kernel/reasons.js';
import { isScored } from './arbitrate.js';
import { instantText, ruleName, spanText, valueText } from './text.js';
import type { CandidateScore, Decision, GateVerdict, ScoredCandidate } from './types.js';

/** How many refused actions a sentence names before it only counts them. */
const REFUSED_NAMED_MAX = 3;
const BRAND_DEFAULT = 'default';

/**
 * The facts behind a reason, in brackets and with a space before them, as they follow the reason's text; empty when the
 * reason says it all.
 *
 * @param key the candidate about which the verdict is told; null when it is about everything
 */
export function factsText(verdict: GateVerdict, key: string | null, decision: Decision): string {
  const parts = factsOf(verdict, key, decision).filter((part) => part !== '');
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

function factsOf(verdict: GateVerdict, key: string | null, decision: Decision): readonly string[] {
  const { gate, rule, facts } = verdict;
  switch (gate) {
    case 'identity':
      return identityFacts(verdict, key);
    case 'consent':
      return [`${facts.purpose} on ${facts.channel}`, facts.brand === BRAND_DEFAULT ? '' : `brand ${facts.brand}`];
    case 'suppression':
      return verdict.until === null ? [] : [`until ${instantText(verdict.until)}`];
    case 'journey_conflict':
      return conflictFacts(verdict);
    case 'next_best_action':
      return arbitrationFacts(verdict, key, decision);
    case 'pause':
      return [`${facts.count} times ${String(facts.outcomes).replaceAll(' ', ' or ')}`, ruleName(rule)];
    case 'fatigue':
      return [`a fatigue of ${valueText(Number(facts.score))}, the limit is ${valueText(Number(facts.threshold))}`];
    case 'expiry':
      return [
        `it made sense before ${instantText(Number(facts.expiresAt))}`,
        `and would go out at ${instantText(Number(facts.askedAt))} or later`,
      ];
    case 'quiet_hours':
      return quietFacts(verdict);
    case 'caps':
      return capFacts(verdict);
    case 'pending_candidates':
      return [
        `${facts.otherAction} of the journey ${facts.otherJourney} is worth ${valueText(Number(facts.otherNet))}`,
        `this one ${valueText(Number(facts.net))}`,
      ];
    case 'sending_pause':
      return [`marketing from ${facts.domain} is paused since ${instantText(Number(facts.since))}`];
    case 'holdout':
      return [`${valueText(Number(facts.share) * 100)} % of all users are`, ruleName(rule)];
    case 'user_hold':
      return verdict.until === null ? [] : [`until ${instantText(verdict.until)}`];
    case 'kill_switch':
    case 'journey_pause':
    case 'exit':
      return [];
  }
}

function identityFacts({ reason, facts }: GateVerdict, key: string | null): readonly string[] {
  if (reason === 'ACTION_INACTIVE') return key === null ? [] : [key];
  if (reason === 'ADDRESS_MISSING') return [String(facts.channel)];
  return reason === 'TEMPLATE_MISSING' || reason === 'RENDER_FAILED' ? [String(facts.template)] : [];
}

function conflictFacts({ facts }: GateVerdict): readonly string[] {
  const { otherJourney, otherPriority, priority } = facts;
  if (otherPriority === priority) return [`${otherJourney} has the same priority ${priority} and began before`];
  return [`${otherJourney} has priority ${otherPriority}, this one ${priority}`];
}

function quietFacts({ facts, rule, reason }: GateVerdict): readonly string[] {
  const { origin, source, zone, jitterMs } = facts;
  const origins: Readonly<Record<string, string>> = { law: 'by law', journey: 'set by the journey' };
  const seconds = Math.ceil(Number(jitterMs ?? 0) / SECOND_MS);
  return [
    reason === 'EXPIRED' ? 'it would have to wait for the end of quiet hours' : '',
    origins[String(origin)] ?? '',
    typeof source === 'string' ? source : '',
    `in ${zone}`,
    ruleName(rule),
    seconds === 0 ? '' : `plus ${spanText(seconds * SECOND_MS)} to spread the load`,
  ];
}

function capFacts({ facts, rule, reason }: GateVerdict): readonly string[] {
  const { count, limit } = facts;
  const window = String(facts.window);
  const [, gap] = /^gap of (.+)$/.exec(window) ?? [];
  const counted = `${count} of ${limit} ${window.startsWith('calendar') ? `this ${window}` : `in the last ${window}`}`;
  return [
    reason === 'LOWER_PRIORITY' ? 'it took the place that both waited for' : '',
    gap === undefined ? counted : `the last contact was less than ${gap} ago`,
    ruleName(rule),
  ];
}

function arbitrationFacts({ reason }: GateVerdict, key: string | null, decision: Decision): readonly string[] {
  const { candidates, doNothingValue } = decision;
  if (reason === 'NOTHING_ELIGIBLE') return refusedFacts(candidates);
  if (reason !== 'BELOW_THRESHOLD') return [];
  const weighed = candidates.filter(isScored);
  const best = weighed.find((score) => score.lostBecause === reason && (key === null || score.key === key));
  return best === undefined ? [] : [worthText(best), `doing nothing ${valueText(doNothingValue)}`];
}

/** `hello was worth 3`, and what was taken off when it cost something. */
export function worthText({ key, net, channelCost, fatigueCost }: ScoredCandidate): string {
  const costs = channelCost + fatigueCost;
  const tired = fatigueCost > 0 ? ' for the channel and for fatigue' : '';
  return `${key} was worth ${valueText(net)}${costs === 0 ? '' : ` after costs of ${valueText(costs)}${tired}`}`;
}

function refusedFacts(candidates: readonly CandidateScore[]): readonly string[] {
  if (candidates.length === 0) return ['there was none to choose from'];
  const named = candidates
    .slice(0, REFUSED_NAMED_MAX)
    .flatMap(({ key, lostBecause }) => (lostBecause === null ? [] : `${key}: ${REASONS[lostBecause]}`));
  const rest = candidates.length - named.length;
  return [`${named.join('; ')}${rest === 0 ? '' : `; and ${rest} more`}`];
}
