import type {
  Candidate,
  Counterfactual,
  Decision,
  DecisionInput,
  GateVerdict,
} from '../../src/core/decisions/types.js';
import { HOUR_MS } from '../../src/core/kernel/instant.js';
import { isHeldOut } from './oracle/worth.js';
import { onDecision, onInput, type PlantedFault } from './plant.js';

// Mistakes in what a decision answers, and in what it tells of itself.

const eachCandidate = (input: DecisionInput, more: Partial<Candidate>): DecisionInput => ({
  ...input,
  candidates: input.candidates.map((one) => ({ ...one, ...more })),
});

/** What stops one candidate before it goes out, and not before it is weighed. */
const STOPPED_LATE: readonly (string | null)[] = ['EXPIRED', 'QUIET_HOURS', 'NO_ALLOWED_TIME', 'CAP_REACHED'];

const WORTH_FAULTS: readonly PlantedFault[] = [
  onInput('what silence is worth is not asked', ['worth'], (input) => ({ ...input, doNothingValue: -1_000 })),
  onInput('what is worth no more than silence goes out', ['worth'], (input) => ({
    ...input,
    doNothingValue: input.doNothingValue - 0.1,
  })),
  onInput('a channel costs nothing', ['worth'], (input) => eachCandidate(input, { channelCost: 0 })),
  onInput('tiredness costs nothing', ['worth'], (input) => ({
    ...input,
    fatigueModel: input.fatigueModel && { ...input.fatigueModel, costPerScore: 0 },
  })),
  onInput('the value of an action is not weighed', ['worth'], (input) => eachCandidate(input, { value: 1 })),
  onDecision('the next best is not asked when the best is refused', ['worth'], (decision) => {
    const [best] = decision.candidates;
    if (decision.outcome.kind !== 'act' || best === undefined || best.lostBecause === null) return decision;
    if (!STOPPED_LATE.includes(best.lostBecause)) return decision;
    return { ...decision, outcome: { kind: 'do_nothing', reason: best.lostBecause } };
  }),
];

const SILENCE_FAULTS: readonly PlantedFault[] = [
  onDecision('what could go out does not', ['needless_silence'], (decision, { now }) =>
    decision.outcome.kind === 'act' && now % 7 === 0
      ? { ...decision, outcome: { kind: 'do_nothing', reason: 'BELOW_THRESHOLD' } }
      : decision,
  ),
  onInput('silence is worth a little more than it is', ['needless_silence'], (input) => ({
    ...input,
    doNothingValue: input.doNothingValue + 0.1,
  })),
  onInput('quiet hours drop what they should put off', ['needless_silence'], (input) => ({
    ...input,
    quietRules: input.quietRules.map((rule) => ({ ...rule, onHit: rule.onHit === 'defer' ? 'drop' : rule.onHit })),
  })),
  onInput('a limit drops what it should put off', ['needless_silence'], (input) => ({
    ...input,
    capRules: input.capRules.map((rule) => ({ ...rule, onHit: rule.onHit === 'defer' ? 'drop' : rule.onHit })),
  })),
  onInput('another channel is not tried', ['needless_silence'], (input) => ({
    ...input,
    quietRules: input.quietRules.map((rule) => ({
      ...rule,
      onHit: rule.onHit === 'switch_channel' ? 'defer' : rule.onHit,
    })),
  })),
  onInput('what rests on a contract is not asked behind what waits', ['needless_silence', 'worth'], (input) => ({
    ...input,
    candidates: input.candidates.some(({ legalBasis }) => legalBasis === 'consent')
      ? input.candidates.filter(({ legalBasis }) => legalBasis === 'consent')
      : input.candidates,
  })),
  onInput('a time to live is an hour short', ['needless_silence'], (input) => ({
    ...input,
    candidates: input.candidates.map((one) => ({ ...one, ttlMs: one.ttlMs && Math.max(one.ttlMs - HOUR_MS, 0) })),
  })),
  onDecision('the kill switch refuses', ['needless_silence'], (decision) => {
    const { outcome } = decision;
    if (outcome.kind !== 'defer' || outcome.reason !== 'KILL_SWITCH') return decision;
    return { ...decision, outcome: { kind: 'do_nothing', reason: 'KILL_SWITCH' } };
  }),
];

const HIT_FAULTS: readonly PlantedFault[] = [
  onInput('a lesser one steps in for one that waits', ['on_hit'], (input) => ({
    ...input,
    quietRules: input.quietRules.map((rule) => ({ ...rule, onHit: rule.onHit === 'drop' ? 'drop' : 'switch_channel' })),
  })),
  onInput('quiet hours put off what they should drop', ['on_hit'], (input) => ({
    ...input,
    quietRules: input.quietRules.map((rule) => ({ ...rule, onHit: rule.onHit === 'drop' ? 'defer' : rule.onHit })),
  })),
  onInput('a limit puts off what it should drop', ['on_hit'], (input) => ({
    ...input,
    capRules: input.capRules.map((rule) => ({ ...rule, onHit: rule.onHit === 'drop' ? 'defer' : rule.onHit })),
  })),
  onInput('a step that is passed over counts as refused', ['on_hit'], (input) => ({
    ...input,
    capRules: input.capRules.map((rule) => ({ ...rule, onHit: rule.onHit === 'skip' ? 'drop' : rule.onHit })),
  })),
  onInput('a time to live is not asked', ['on_hit', 'expiry'], (input) => eachCandidate(input, { ttlMs: null })),
  onInput('a time to live begins with every question', ['on_hit', 'expiry'], (input) => ({
    ...input,
    readyAt: input.now,
  })),
  onInput('a quiet rule holds a message for ever', ['on_hit'], (input) => ({
    ...input,
    quietRules: input.quietRules.map((rule) => ({ ...rule, ttlMs: null })),
  })),
  onDecision('who is held out is asked before the other gates', ['exposure'], (decision, input) => {
    const isHeld = input.holdouts.some((one) => isHeldOut(one, input.user.id));
    return isHeld && decision.outcome.kind !== 'act'
      ? { ...decision, outcome: { kind: 'do_nothing', reason: 'HOLDOUT' } }
      : decision;
  }),
  onDecision('who is held out is told another reason', ['exposure'], (decision) => {
    const { outcome } = decision;
    if (outcome.kind !== 'do_nothing' || outcome.reason !== 'HOLDOUT') return decision;
    return { ...decision, outcome: { kind: 'do_nothing', reason: 'BELOW_THRESHOLD' } };
  }),
];

type Facts = GateVerdict['facts'];

/** A limit that tells something else than it found. */
function tellingOfLimits(
  name: string,
  change: (verdict: GateVerdict, input: DecisionInput) => Partial<Omit<GateVerdict, 'facts'>> & { facts?: Facts },
): PlantedFault {
  return onDecision(`a limit tells ${name}`, ['cap_facts'], (decision, input) => ({
    ...decision,
    gates: decision.gates.map((verdict) => {
      if (verdict.gate !== 'caps' || verdict.kind === 'pass') return verdict;
      const { facts, ...more } = change(verdict, input);
      return { ...verdict, ...more, facts: { ...verdict.facts, ...facts } };
    }),
  }));
}

const CAP_FACTS_FAULTS: readonly PlantedFault[] = [
  tellingOfLimits('one contact too many', ({ facts }) => ({ facts: { count: Number(facts.count) + 1 } })),
  tellingOfLimits('the number of all contacts', (_, { contacts }) => ({ facts: { count: contacts.length } })),
  tellingOfLimits('another limit', ({ facts }) => ({ facts: { limit: Number(facts.limit) + 1 } })),
  tellingOfLimits('every day for 24 hours', ({ facts }) => ({
    facts: { window: facts.window === 'calendar day' ? '24 hours' : (facts.window ?? null) },
  })),
  tellingOfLimits('the rule that stands first', ({ rule }, { capRules }) => ({
    rule: capRules[0] === undefined ? rule : `${capRules[0].id}@${capRules[0].version}`,
  })),
  tellingOfLimits('the first contact for the last', ({ facts }, { contacts }) => ({
    facts: { decisionId: contacts.at(-1)?.decisionId ?? facts.decisionId ?? null },
  })),
  tellingOfLimits('an end a minute late', ({ until }) => ({ until: until && until + 60_000 })),
  tellingOfLimits('no end', () => ({ until: null })),
];

/** A record that names a change which is none, or more than it takes. */
function tellingOfChanges(
  name: string,
  change: (told: Counterfactual, input: DecisionInput, decision: Decision) => Counterfactual,
): PlantedFault {
  return onDecision(`a record says that ${name}`, ['change_true'], (decision, input) => ({
    ...decision,
    counterfactuals: decision.counterfactuals.map((told) => change(told, input, decision)),
  }));
}

const CHANGE_FAULTS: readonly PlantedFault[] = [
  tellingOfChanges('waiting an hour less is enough', (told) => ({
    ...told,
    after: told.after && told.after - HOUR_MS,
  })),
  tellingOfChanges('it takes an hour more', (told) => ({ ...told, after: told.after && told.after + HOUR_MS })),
  tellingOfChanges('consent for another purpose is enough', (told) => ({
    ...told,
    change: told.change.replace('consent for marketing', 'consent for news'),
  })),
  tellingOfChanges('half the worth is enough', (told, _, { doNothingValue }) => ({
    ...told,
    change: told.change.replace(/more than (\S+)/, (_all, bar) => `more than ${Number(bar) / 2 - doNothingValue}`),
  })),
  tellingOfChanges('it takes twice the worth', (told) => ({
    ...told,
    change: told.change.replace(/more than (\S+)/, (_all, bar) => `more than ${Number(bar) * 2 + 1}`),
  })),
  tellingOfChanges('silence need be worth but half', (told) => ({
    ...told,
    change: told.change.replace(/worth (\S+) or more/, (_all, worth) => `worth ${Number(worth) / 2} or more`),
  })),
  tellingOfChanges('one of several changes is enough', (told) => ({
    ...told,
    change: told.change.split(' and ')[0] ?? '',
  })),
  tellingOfChanges('something would help that helps nothing', (told) => ({
    ...told,
    change: 'if sending were switched on',
    after: null,
  })),
];

/** Every mistake of this kind. */
export const ANSWER_FAULTS: readonly PlantedFault[] = [
  ...WORTH_FAULTS,
  ...SILENCE_FAULTS,
  ...HIT_FAULTS,
  ...CAP_FACTS_FAULTS,
  ...CHANGE_FAULTS,
];
