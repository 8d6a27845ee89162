import type { Scalar } from '../audiences/condition.js';
import { isForbiddenName } from '../kernel/attribute-path.js';
import { checkKey, checkPath, checkText } from './compile-checks.js';
import type { StepOf, StepPlace } from './compile-context.js';
import type { Report } from './compile-faults.js';
import type { Act, ActStep } from './plan.js';

const NAMES_MAX = 50;
const STAGE_LENGTH_MAX = 64;
const ENTRY_KEY_PATTERN = /^[A-Za-z0-9._-]{1,100}$/;
const DATA_NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
/** What a webhook says by itself. */
const DATA_NAMES_TAKEN: ReadonlySet<string> = new Set(['user_id', 'external_id', 'journey', 'run_id', 'step']);

type ActDefinition = StepOf<'update_user' | 'webhook' | 'start_journey' | 'goal'>;

/** A step that does something which is no contact. */
export function compileAct(step: ActDefinition, place: StepPlace): ActStep {
  const act = actOf(step, place);
  const next = place.target('next', step.next);
  if (step.kind === 'goal' || step.on_failure === undefined) return { kind: 'act', id: step.id, act, next };
  return { kind: 'act', id: step.id, act, next, onFailure: place.target('on_failure', step.on_failure) };
}

function actOf(step: ActDefinition, { path, context }: StepPlace): Act {
  const { report } = context;
  switch (step.kind) {
    case 'update_user':
      checkSet(step.set, `${path}.set`, report);
      return { kind: step.kind, set: step.set };
    case 'webhook': {
      const { kind, endpoint, data = {} } = step;
      checkKey(endpoint, `${path}.endpoint`, report);
      checkData(data, `${path}.data`, report);
      return { kind, endpoint, data };
    }
    case 'start_journey': {
      const { kind, journey, entry_key: entryKey = null } = step;
      checkKey(journey, `${path}.journey`, report);
      if (entryKey !== null && !ENTRY_KEY_PATTERN.test(entryKey)) {
        report(`${path}.entry_key`, 'bad_entry_key', `must match ${ENTRY_KEY_PATTERN.source}`);
      }
      if (journey === context.journeyKey && context.entryMode !== 'parallel') {
        const message = `while a run of it is there, a journey of the mode ${context.entryMode} lets nobody in again`;
        report(`${path}.journey`, 'never_enters', message);
      } else if (journey === context.journeyKey && entryKey === null) {
        const message = 'every run of it would start one more: name an entry_key, of which there is one run only';
        report(`${path}.entry_key`, 'never_stops', message);
      }
      return { kind, journey, entryKey };
    }
    case 'goal':
      checkText(step.goal, `${path}.goal`, report);
      return { kind: 'reach_goal', goal: step.goal };
  }
}

function checkSet(set: Readonly<Record<string, Scalar>>, path: string, report: Report): void {
  const names = Object.keys(set);
  if (names.length === 0 || names.length > NAMES_MAX) report(path, 'bad_set', `sets 1 to ${NAMES_MAX} attributes`);
  for (const [name, value] of Object.entries(set)) {
    const at = `${path}.${name}`;
    checkPath(name, at, report);
    if (name === 'lifecycle_stage') checkStage(value, at, report);
    else if (!name.startsWith('attributes.')) {
      report(at, 'bad_attribute', 'only lifecycle_stage and what stands below attributes can be set');
    }
    if (names.some((other) => other.startsWith(`${name}.`))) {
      report(at, 'bad_set', 'another name sets a part of it');
    }
  }
}

function checkStage(value: Scalar, path: string, report: Report): void {
  if (value === null) return;
  if (typeof value !== 'string' || value.length > STAGE_LENGTH_MAX) {
    return report(path, 'bad_set', `a lifecycle stage is text of at most ${STAGE_LENGTH_MAX} characters, or null`);
  }
  checkText(value, path, report);
}

function checkData(data: Readonly<Record<string, Scalar>>, path: string, report: Report): void {
  const names = Object.keys(data);
  if (names.length > NAMES_MAX) report(path, 'bad_data', `at most ${NAMES_MAX} names`);
  for (const name of names) {
    if (DATA_NAMES_TAKEN.has(name)) report(`${path}.${name}`, 'bad_data', 'is what every webhook says by itself');
    else if (isForbiddenName(name) || !DATA_NAME_PATTERN.test(name)) {
      report(`${path}.${name}`, 'bad_data', `must match ${DATA_NAME_PATTERN.source}, and be no name of the language`);
    }
  }
}
