import { explainDecision, type ExplanationContext } from '../../core/decisions/explain.js';
import { REASONS } from '../../core/kernel/reasons.js';
import type { DecisionView, ExplanationView } from './decisions.dto.js';
import type { DecisionPayload } from './decision-record.js';
import type { DecisionRow } from './decisions.repository.js';

const text = (instant: number): string => new Date(instant).toISOString();
const textOrNull = (instant: number | null): string | null => (instant === null ? null : text(instant));

export function toDecisionView(row: Omit<DecisionRow, 'id'> & { readonly id: string | null }): DecisionView {
  return {
    id: row.id,
    user_id: row.userId,
    source: row.source,
    run_key: row.runKey,
    step_id: row.stepId,
    visit: row.visit,
    ask: row.ask,
    clock_domain: row.clockDomain,
    decided_at: text(row.decidedAt),
    outcome: row.outcome,
    channel: row.channel,
    action: row.action,
    reason: row.reason,
    until: textOrNull(row.until),
  };
}

/** @param context left out: a decision that was made, at the instant of its facts */
export function toExplanationView(
  row: Omit<DecisionRow, 'id'> & { readonly id: string | null },
  { input, decision }: DecisionPayload,
  context: ExplanationContext = { decidedAt: input.now },
): ExplanationView {
  const askers = new Map(input.candidates.map(({ key, costAskedBy }) => [key, costAskedBy]));
  return {
    ...toDecisionView(row),
    explanation: explainDecision(decision, { ...context, weighed: input.candidates }),
    gates: decision.gates.map((verdict) => ({
      gate: verdict.gate,
      candidates: verdict.candidates === null ? null : [...verdict.candidates],
      verdict: verdict.kind,
      reason: verdict.reason,
      reason_text: verdict.reason === null ? null : REASONS[verdict.reason],
      rule: verdict.rule,
      until: textOrNull(verdict.until),
      facts: { ...verdict.facts },
    })),
    candidates: decision.candidates.map((score) => ({
      action: score.key,
      channel: score.channel,
      propensity: score.propensity,
      context: score.context,
      value: score.value,
      levers: score.levers,
      priority: score.priority,
      channel_cost: score.channelCost,
      channel_cost_asked_by: askers.get(score.key) ?? null,
      fatigue_cost: score.fatigueCost,
      net: score.net,
      lost_because: score.lostBecause,
    })),
    do_nothing_value: decision.doNothingValue,
    what_would_change_it: decision.counterfactuals.map(({ gate, candidate, change, after }) => ({
      gate,
      candidate,
      change,
      after: textOrNull(after),
    })),
    time_zones: [...input.user.zones],
    time_zone_source: input.user.zoneSource,
  };
}
