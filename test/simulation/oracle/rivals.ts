import { stateOf } from '../facts.js';
import type { DeliveryRow, PendingRow } from '../model.js';
import { fullCaps } from './caps.js';
import { capAsked, madeBefore, objectionsTo, worthOf, type Rule, type Thought } from './objections.js';

/** What a rival's own journey says of it: not known to whoever asks, who may wait for it in vain. */
const ITS_OWN_AFFAIR: readonly Rule[] = ['quiet_hours', 'expiry', 'conflict'];
const WORTH_TOLERANCE = 1e-9;

/**
 * Whether this message finds no room once the better ones that wait beside it have taken theirs. `maybe` where it hangs
 * on one that may not come, or on a difference that nobody can see.
 */
export function yieldsTo(thought: Thought): 'yes' | 'no' | 'maybe' {
  if (thought.candidate.legalBasis === 'contract') return 'no';
  const own = worthOf(thought);
  const beside = besideIt(thought).map((rival) => ({ rival, worth: worthOf(rival) }));
  const better = beside.filter(({ worth }) => worth > own - WORTH_TOLERANCE);
  if (better.length === 0) return 'no';
  const objections = better.map(({ rival }) => [...objectionsTo(rival).keys()]);
  const coming = better.filter((_, index) => objections[index]?.length === 0);
  const perhaps = better.filter((_, index) => objections[index]?.every((rule) => ITS_OWN_AFFAIR.includes(rule)));
  const isSure = coming.length === perhaps.length && coming.every(({ worth }) => worth > own + WORTH_TOLERANCE);
  const isLeftOut = [coming, perhaps].map((rivals) => isWithoutRoom(thought, rivals));
  if (isLeftOut.every((isOut) => !isOut)) return isSure || perhaps.length === 0 ? 'no' : 'maybe';
  return isSure ? 'yes' : 'maybe';
}

/** The others of the person that wait for an opening that has come, each as it stands now. */
export function besideIt({ store, run, now, without }: Omit<Thought, 'candidate' | 'readyAt'>): readonly Thought[] {
  const isInTime = ({ userId, runKey, opening, passesOnAt }: PendingRow): boolean =>
    userId === run.userId && runKey !== run.runKey && opening <= now && now < passesOnAt;
  return [...store.pending.values()]
    .filter((row) => isInTime(row) && stateOf(store.run(row.runKey)) === 'active')
    .map(({ runKey, stepId, visit, candidate }) => {
      const first = store.answers.get(`${runKey}|${stepId}|${visit}|1`);
      return { store, run: store.run(runKey), candidate, readyAt: first?.askedAt ?? now, now, without };
    });
}

function isWithoutRoom(
  thought: Thought,
  rivals: readonly { readonly rival: Thought; readonly worth: number }[],
): boolean {
  const made: DeliveryRow[] = [...madeBefore(thought)];
  for (const { rival } of [...rivals].sort((left, right) => right.worth - left.worth)) {
    if (fullCaps({ ...capAsked(rival), made }).length === 0) made.push(asDelivery(rival));
  }
  return fullCaps({ ...capAsked(thought), made }).length > 0;
}

function asDelivery({ run, candidate, now }: Thought): DeliveryRow {
  const { userId, runKey, journeyKey } = run;
  const key = `${runKey} to come`;
  return {
    ...{ idempotencyKey: key, decisionId: key, userId, runKey, journeyKey, candidate },
    ...{ state: 'sending', attempt: 1, token: 0, claimedAt: now, deadlineAt: now },
  };
}
