import type { Counterfactual, Decision, DecisionInput, GateVerdict } from '../../src/core/decisions/types.js';
import type { Violation } from './checkers.js';
import { inputSupposed, valueJustBelow } from './changes.js';
import type { DecisionRow } from './model.js';
import { count, type Core, type Scene } from './scene.js';

/** Each change is decided anew, which costs as much as to decide: so many records are looked at. */
const LOOKED_AT_ONE_IN = 10;
/** How long before an end that is named it must still hold; that of tiredness is told to the second. */
const BEFORE_MS = 1;
const BEFORE_TIRED_MS = 1_001;

/** What a record says would have changed its answer changes it, and less of it does not. */
export function changesAreTrue(scene: Scene): Violation | null {
  for (const row of scene.journal.decisions) {
    if (Number(row.id.slice(1)) % LOOKED_AT_ONE_IN !== 1) continue;
    const wrong = untruthIn(scene, row);
    if (wrong !== null) return { rule: 'change_true', text: `${row.id} ${wrong}`, userId: row.userId };
  }
  return null;
}

function untruthIn(scene: Scene, { input, decision }: DecisionRow): string | null {
  const said = JSON.stringify(decision.outcome);
  for (const counterfactual of decision.counterfactuals) {
    const { change } = counterfactual;
    count(scene, 'changes looked at');
    const supposed = inputSupposed({ input, decision, counterfactual });
    if (supposed === null) return `says what nobody understands: ${change}`;
    const changed = scene.core.decide(supposed);
    if (JSON.stringify(changed.outcome) === said) {
      if (!isShort(counterfactual, decision, changed)) return `is the same ${change}: ${said}`;
      count(scene, 'changes that are not enough');
    }
    const more = moreThanNeeded(scene.core, input, decision, counterfactual);
    if (more !== null) return `${more}: ${change}`;
  }
  return null;
}

const stopsOf = ({ gates }: Decision, key: string | null): readonly GateVerdict[] =>
  gates.filter(({ kind, candidates }) => kind !== 'pass' && candidates?.includes(key ?? '') === true);

/**
 * What records are known to leave out: a gate tells of the first thing that it finds, and of the next when that is gone;
 * what no longer comes too late waits, and something else may go out as before; of several changes one takes time, and
 * by then others stand otherwise; the change lets a better one in too, which leaves no room; and of a person
 * who objects nobody may work out beforehand what the others would say.
 */
function isShort({ candidate, change }: Counterfactual, before: Decision, after: Decision): boolean {
  const [stood, stands] = [stopsOf(before, candidate), stopsOf(after, candidate)];
  const isNext = stands.some((next) => stood.some((one) => one.gate === next.gate && !isSame(one, next)));
  const isPutOff = stood.some(({ reason }) => reason === 'EXPIRED') && stands.some(({ kind }) => kind === 'defer');
  const isLater = / and .*after |after .* and /.test(change);
  const isUnscored = before.candidates.some(({ key, net }) => key === candidate && net === null);
  return (
    isNext ||
    isPutOff ||
    isLater ||
    isBehindOther(candidate, before, after) ||
    (isUnscored && change.includes('consent'))
  );
}

/** Nothing stands in its own way, but one before it hears something else than before. */
function isBehindOther(key: string | null, before: Decision, after: Decision): boolean {
  const rank = after.candidates.findIndex((one) => one.key === key);
  const lostBefore = new Map(before.candidates.map((one) => [one.key, one.lostBecause]));
  return (
    stopsOf(after, key).length === 0 &&
    after.candidates.slice(0, rank).some((one) => one.lostBecause !== lostBefore.get(one.key))
  );
}

const isSame = (one: GateVerdict, other: GateVerdict): boolean =>
  one.reason === other.reason && one.rule === other.rule && JSON.stringify(one.facts) === JSON.stringify(other.facts);

/** An instant before which nothing stands in the way, or a worth beyond the one that is enough. */
function moreThanNeeded(
  core: Core,
  input: DecisionInput,
  decision: Decision,
  { gate, candidate, change, after }: Counterfactual,
): string | null {
  if (after !== null) {
    if (after <= input.now) return 'names an instant that is over';
    // What a clock that was set back wrote down ahead of itself is not foreseen.
    if (gate === 'pending_candidates' || input.outcomes.some(({ at }) => at > input.now)) return null;
    const now = after - (gate === 'fatigue' ? BEFORE_TIRED_MS : BEFORE_MS);
    const earlier = now <= input.now ? decision : core.decide({ ...input, now });
    return stopsOf(earlier, candidate).some((one) => one.gate === gate) ? null : 'names an instant too late';
  }
  const lesser = valueJustBelow(input, change);
  const isEnough = lesser !== null && JSON.stringify(core.decide(lesser).outcome) !== JSON.stringify(decision.outcome);
  return isEnough ? 'names a worth beyond the one that is enough' : null;
}
