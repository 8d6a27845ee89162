import type { Candidate } from '../../../src/core/decisions/types.js';
import type { FatigueModel } from '../../../src/core/fatigue/fatigue-model.js';
import type { Outcome } from '../../../src/core/fatigue/outcome.js';
import type { PauseRule } from '../../../src/core/fatigue/pause-rule.js';
import type { DeliveryRow, Store } from '../model.js';

const NOT_REACHED: readonly string[] = ['failed', 'bounced', 'released'];

/** Everything that is known of what became of a person's contacts: what was told, and what the deliveries say. */
export function outcomesOf(store: Store, userId: string): readonly Outcome[] {
  const told = store.outcomes.get(userId) ?? [];
  const seen = store.deliveriesOf(userId).flatMap(({ candidate, claimedAt: at, decisionId, state }): Outcome[] => {
    if (candidate.legalBasis === 'contract' || ['sending', 'unknown', 'released'].includes(state)) return [];
    const { channel, purpose, key: action, group } = candidate;
    return [{ decisionId, kind: state === 'failed' ? 'failed' : 'sent', at, channel, purpose, action, group }];
  });
  return [...told, ...seen.filter((one) => !told.some((other) => isSame(one, other)))];
}

const isSame = (one: Outcome, other: Outcome): boolean =>
  one.kind === other.kind && one.decisionId === other.decisionId;

/** The rules by which the candidate rests for the person now, as their ids. */
export function restingBy(
  rules: readonly PauseRule[],
  outcomes: readonly Outcome[],
  candidate: Candidate,
  now: number,
): readonly string[] {
  if (candidate.legalBasis === 'contract') return [];
  return rules
    .filter(({ purposes }) => purposes.includes(candidate.purpose))
    .filter((rule) => {
      const counted = firstOfEach(outcomes).filter(
        (one) =>
          one.at <= now &&
          rule.outcomes.includes(one.kind) &&
          rule.purposes.includes(one.purpose) &&
          ((rule.scope === 'action' && one.action === candidate.key) ||
            (rule.scope === 'group' && candidate.group !== null && one.group === candidate.group) ||
            (rule.scope === 'channel' && one.channel === candidate.channel)),
      );
      return counted.some(
        ({ at }) =>
          at + rule.pauseMs > now &&
          counted.filter((other) => other.at <= at && other.at > at - rule.withinMs).length >= rule.count,
      );
    })
    .map(({ id }) => id);
}

function firstOfEach(outcomes: readonly Outcome[]): readonly Outcome[] {
  return outcomes.filter(
    (one, index) =>
      !outcomes.some((other, at) => isSame(one, other) && (other.at < one.at || (other.at === one.at && at < index))),
  );
}

/** The score by the formula of the model: each weight halves every half-life. */
export function tiredness(
  model: FatigueModel,
  deliveries: readonly DeliveryRow[],
  outcomes: readonly Outcome[],
  now: number,
): number {
  const left = (at: number): number => 0.5 ** ((now - at) / model.halfLifeMs);
  const contacts = deliveries.filter(
    ({ candidate, claimedAt, state }) =>
      candidate.legalBasis === 'consent' && claimedAt <= now && !NOT_REACHED.includes(state),
  );
  const load =
    contacts.reduce((sum, { claimedAt }) => sum + model.contactWeight * left(claimedAt), 0) +
    firstOfEach(outcomes)
      .filter(({ at }) => at <= now)
      .reduce((sum, { kind, at }) => sum + (model.outcomeWeights[kind] ?? 0) * left(at), 0);
  return 1 - Math.exp(-Math.max(load, 0));
}
