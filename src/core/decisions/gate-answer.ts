import type { InstantMs } from '../kernel/instant.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { GateName, GateVerdict } from './types.js';

/** What a gate says, before it is said of whom. */
export type GateAnswer = Pick<GateVerdict, 'kind' | 'reason' | 'rule' | 'until' | 'facts'>;

/** Nothing in the way and nothing to say: one value, so that candidates share one verdict. */
export const PASS: GateAnswer = { kind: 'pass', reason: null, rule: null, until: null, facts: {} };

/** A refusal with its facts; `until` is the first instant at which the gate would pass by itself. */
export function refuse(
  reason: ReasonCode,
  facts: GateVerdict['facts'] = {},
  more: { readonly rule?: string; readonly until?: InstantMs | null } = {},
): GateAnswer {
  return { kind: 'refuse', reason, rule: more.rule ?? null, until: more.until ?? null, facts };
}

/** How a rule is named in a record. */
export const ruleText = ({ id, version }: { readonly id: string; readonly version: number }): string =>
  `${id}@${version}`;

/**
 * One gate's answers about all candidates, in their order; those that are the very same value are one verdict.
 *
 * @param answerOf by the index of the candidate
 */
export function toVerdicts(
  gate: GateName,
  keys: readonly string[],
  answerOf: (index: number) => GateAnswer | undefined,
): readonly GateVerdict[] {
  const groups = new Map<GateAnswer, string[]>();
  keys.forEach((key, index) => {
    const answer = answerOf(index);
    if (answer === undefined) return;
    const alike = groups.get(answer);
    if (alike === undefined) groups.set(answer, [key]);
    else alike.push(key);
  });
  return [...groups].map(([answer, candidates]) => ({ gate, candidates, ...answer }));
}
