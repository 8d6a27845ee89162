import type { Condition } from '../audiences/condition.js';
import { canonicalJson } from '../kernel/canonical-json.js';
import type { CompileFault, Report } from './compile-faults.js';
import type { JourneyDefinition, StepDefinition } from './definition.js';
import type { Plan, Step } from './plan.js';

const LISTENERS_MAX = 100;

/** A step that something in the definition names, and what it must be. */
interface Reference {
  readonly path: string;
  readonly stepId: string;
  readonly fits: (step: Step) => boolean;
  /** Why a step that does not fit is refused. */
  readonly message: string;
}

/** What is gathered while the parts of one definition are compiled. */
export interface CompileContext {
  readonly journeyKey: string;
  readonly entryMode: NonNullable<JourneyDefinition['entry']>['mode'];
  readonly report: Report;
  readonly faults: readonly CompileFault[];
  /** Where the definition says that a run goes next, to be looked up when all steps are known. */
  readonly targets: { readonly path: string; readonly stepId: string }[];
  readonly references: Reference[];
  readonly listeners: readonly NonNullable<Plan['listeners']>[number][];
  /** Position of the listener for events of this name that meet the condition; equal ones share one. */
  readonly listenerOf: (event: string, where: Condition, path: string) => number;
}

/** An empty context for one definition. */
export function newContext(definition: JourneyDefinition): CompileContext {
  const faults: CompileFault[] = [];
  const report: Report = (path, code, message) => faults.push({ path, code, message });
  const listeners: { readonly event: string; readonly where: Condition }[] = [];
  const positions = new Map<string, number>();
  return {
    journeyKey: definition.key,
    entryMode: definition.entry?.mode ?? 'once',
    report,
    faults,
    targets: [],
    references: [],
    listeners,
    listenerOf: (event, where, path) => {
      const text = canonicalJson({ event, where });
      const known = positions.get(text);
      if (known !== undefined) return known;
      if (listeners.length === LISTENERS_MAX) {
        report(path, 'too_many_listeners', `at most ${LISTENERS_MAX} different conditions on events`);
      }
      positions.set(text, listeners.length);
      return listeners.push({ event, where }) - 1;
    },
  };
}

/** Where a step stands in the definition. */
export interface StepPlace {
  /** E.g. `steps[2]`. */
  readonly path: string;
  readonly context: CompileContext;
  /** Id of the step that a field names; of the step below when it names none. */
  readonly target: (field: string, id: string | undefined) => string;
}

/** One step of a definition by its kind. */
export type StepOf<Kind extends StepDefinition['kind']> = Extract<StepDefinition, { readonly kind: Kind }>;

/** The place of the step at `path`; `following` is the id of the step below it. */
export function placeOf(path: string, following: string | undefined, context: CompileContext): StepPlace {
  return {
    path,
    context,
    target: (field, id) => {
      const stepId = id ?? following;
      if (stepId === undefined) {
        context.report(`${path}.${field}`, 'no_next', 'no step follows in the list: name one');
        return '';
      }
      context.targets.push({ path: `${path}.${field}`, stepId });
      return stepId;
    },
  };
}
