import type { InstantMs } from '../kernel/instant.js';
import type { Candidate, Decision, DecisionInput } from './types.js';

/**
 * The message that a decision puts off until time lets it out: what waits for the opening, and when the run will ask
 * again (the opening and its jitter).
 *
 * @returns null when the decision does not wait for an opening
 */
export function waitingCandidate(
  { candidates }: Pick<DecisionInput, 'candidates'>,
  { outcome, gates }: Pick<Decision, 'outcome' | 'gates'>,
): { readonly candidate: Candidate; readonly opening: InstantMs; readonly wakeAt: InstantMs } | null {
  if (outcome.kind !== 'defer') return null;
  const candidate = candidates.find(({ key }) => key === outcome.action);
  const verdict = gates.find(
    ({ kind, reason, candidates: about }) =>
      kind === 'defer' && reason === outcome.reason && (about?.includes(outcome.action) ?? false),
  );
  if (candidate === undefined || verdict === undefined || verdict.until === null) return null;
  return { candidate, opening: verdict.until, wakeAt: outcome.until };
}
