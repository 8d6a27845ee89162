import type { Decision, DecisionInput } from '../../src/core/decisions/types.js';
import { CORE, type Core } from './scene.js';
import type { SimulationOptions } from './simulator.js';

/** A mistake that is planted on purpose, and the rules of which one must notice it. */
export interface PlantedFault {
  readonly name: string;
  readonly rules: readonly string[];
  readonly options: () => Pick<SimulationOptions, 'core' | 'flaws'>;
}

type Change = (input: DecisionInput) => DecisionInput;
type ChangeDecision = (decision: Decision, input: DecisionInput) => Decision;

/** The core, asked about facts that are not as they are. */
export function onInput(name: string, rules: readonly string[], change: Change): PlantedFault {
  return { name, rules, options: () => ({ core: { ...CORE, decide: (input) => CORE.decide(change(input)) } }) };
}

/** The core, with an answer that is not its own. */
export function onDecision(name: string, rules: readonly string[], change: ChangeDecision): PlantedFault {
  const decide: Core['decide'] = (input) => change(CORE.decide(input), input);
  return { name, rules, options: () => ({ core: { ...CORE, decide } }) };
}

export function inProtocol(
  flaw: NonNullable<SimulationOptions['flaws']>[number],
  rules: readonly string[],
): PlantedFault {
  return { name: flaw.replaceAll('_', ' '), rules, options: () => ({ flaws: [flaw] }) };
}
