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
    if (JSON.stringify(changed.outcome) === said && !isUnknowable(counterfactual, decision)) {
      return `is the same ${change}: ${said}`;
    }
    const more = moreThanNeeded(scene.core, input, decision, counterfactual);
    if (more !== null) return `${more}: ${change}`;
  }
  return null;
}

const stopsOf = ({ gates }: Decision, key: string | null): readonly GateVerdict[] =>
  gates.filter(({ kind, candidates }) => kind !== 'pass' && candidates?.includes(key ?? '') === true);

/** Of a person who objects nobody may work out beforehand what the gates and the arbitration would say to a consent. */
function isUnknowable({ candidate, change }: Counterfactual, { candidates }: Decision): boolean {
  return change.includes('consent') && candidates.some(({ key, net }) => key === candidate && net === null);
}

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
