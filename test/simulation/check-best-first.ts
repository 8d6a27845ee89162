import type { Violation } from './checkers.js';
import { visitKey, type DeliveryRow } from './model.js';
import { fullCaps } from './oracle/caps.js';
import { capAsked, madeBefore, objectionsTo, worthOf, type Thought } from './oracle/objections.js';
import { besideIt } from './oracle/rivals.js';
import type { Scene } from './scene.js';

/**
 * Of those who waited for one opening, the one that was sent is worth no less than the best of the others that was
 * there in time, could have gone, and now finds no room.
 */
export function bestFirst(scene: Scene): Violation | null {
  for (const { delivery, readyAt } of scene.journal.claims) {
    if (delivery.candidate.legalBasis === 'contract') continue;
    const [best] = rivalsOf(scene, delivery).sort((left, right) => worthOf(right) - worthOf(left));
    if (best === undefined) continue;
    const { store } = scene;
    const { runKey, candidate, claimedAt: now, idempotencyKey: without, userId } = delivery;
    const worth = worthOf({ store, run: store.run(runKey), candidate, readyAt, now, without });
    if (worthOf(best) <= worth || !isLeftWithoutRoom(best, delivery)) continue;
    const text = `${delivery.idempotencyKey} (${worth}) took the place of ${best.run.runKey} (${worthOf(best)})`;
    return { rule: 'best_first', text, userId };
  }
  return null;
}

/** Who took the place of a run that waited, by the run. */
const winners = new WeakMap<Scene, Map<string, string>>();

/** Who finds no room because another run's message took the place at the opening is told that, and not of a limit. */
export function losersAreTold(scene: Scene): Violation | null {
  const known = winners.get(scene) ?? new Map<string, string>();
  winners.set(scene, known);
  for (const { question, decision, userId, id } of scene.journal.decisions) {
    const visit = visitKey(question);
    const winner = known.get(visit);
    const { outcome, gates } = decision;
    // Who is put off or silent for another reason has left the place where it waited.
    if (outcome.kind === 'act' || outcome.reason !== 'LOWER_PRIORITY') known.delete(visit);
    if (winner === undefined || outcome.kind === 'act' || outcome.reason !== 'CAP_REACHED') continue;
    const places = gates
      .filter(({ gate, kind }) => gate === 'caps' && kind !== 'pass')
      .map(({ facts }) => facts['decisionId']);
    if (places.length !== 1 || places[0] !== winner) continue;
    return { rule: 'losers_told', text: `${id} does not say that ${winner} took the place`, userId };
  }
  for (const { delivery, hasWaited } of scene.journal.claims) {
    const { userId, runKey, claimedAt, decisionId } = delivery;
    if (!hasWaited) continue;
    for (const row of scene.store.pending.values()) {
      if (row.userId !== userId || row.runKey === runKey || row.opening > claimedAt) continue;
      known.set(visitKey(row), decisionId);
    }
  }
  return null;
}

/** Messages of other runs of the person that came in time and that nothing stands against but the contact itself. */
function rivalsOf({ store }: Scene, { runKey, claimedAt: now, idempotencyKey: without }: DeliveryRow): Thought[] {
  return besideIt({ store, run: store.run(runKey), now, without }).filter(
    (thought) => thought.candidate.legalBasis === 'consent' && objectionsTo(thought).size === 0,
  );
}

function isLeftWithoutRoom(thought: Thought, delivery: DeliveryRow): boolean {
  return fullCaps({ ...capAsked(thought), made: [...madeBefore(thought), delivery] }).length > 0;
}
