import type { Condition } from '../audiences/condition.js';
import { isWithinLimits } from '../audiences/evaluate-condition.js';
import { isRunQuestion, leavesOf } from '../audiences/leaves.js';
import type { RunCondition, RunQuestion } from '../audiences/run-condition.js';
import { checkPath, checkText, durationOf } from './compile-checks.js';
import type { CompileContext } from './compile-context.js';

const TESTS_MAX = 200;
const LIMITS =
  `a condition has at most 20 levels, ${TESTS_MAX} tests, 1,000 of these and listed values together, and 50 questions ` +
  'beyond the profile (fewer beside other tests)';
const EVENTS_COUNTED_MAX = 1_000;
const WORD_PATTERN = /^[a-z][a-z0-9_]{0,31}$/;

/** Where an attribute is looked up: in the profile of the user (and `run.responses`), or in the properties of an event. */
type Subject = 'run' | 'event';

interface Node {
  readonly node: RunCondition;
  readonly path: string;
  readonly subject: Subject;
}

/** Checks a condition on the user and the run. */
export function checkRunCondition(condition: RunCondition, path: string, context: CompileContext): void {
  check({ node: condition, path, subject: 'run' }, context);
}

/** Checks a condition on the properties of an event. */
export function checkEventCondition(condition: Condition, path: string, context: CompileContext): void {
  check({ node: condition, path, subject: 'event' }, context);
}

/** Checks a condition on the profile alone: there is no run yet that could be asked about. */
export function checkProfileCondition(condition: Condition, path: string, context: CompileContext): void {
  check({ node: condition, path, subject: 'event' }, context);
  if (!isWithinLimits(condition) || isProfileCondition(condition)) return;
  context.report(path, 'bad_condition', 'of a run nothing can be asked before it has begun');
}

/** Whether every test of it reads the profile and nothing else. */
export function isProfileCondition(condition: RunCondition): condition is Condition {
  return leavesOf(condition).every((leaf) => !isRunQuestion(leaf) && !isOfRun(leaf.attribute));
}

function check(root: Node, context: CompileContext): void {
  if (!isWithinLimits(root.node)) return context.report(root.path, 'bad_condition', LIMITS);
  const open = [root];
  let tests = 0;
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    tests += 1;
    if (tests > TESTS_MAX) return context.report(root.path, 'bad_condition', LIMITS);
    // The last is taken first: reversed, faults come in the order of the text.
    open.push(...partsOf(item).reverse());
    checkLeaf(item, context);
  }
}

function partsOf({ node, path, subject }: Node): Node[] {
  switch (node.kind) {
    case 'all':
    case 'any':
      return node.of.map((part, index) => ({ node: part, path: `${path}.of[${index}]`, subject }));
    case 'not':
      return [{ node: node.of, path: `${path}.of`, subject }];
    case 'event':
      return node.where === undefined ? [] : [{ node: node.where, path: `${path}.where`, subject: 'event' }];
    case 'consent':
    case 'outcome':
    case 'equals':
    case 'in':
    case 'greater_than':
    case 'less_than':
    case 'contains':
    case 'exists':
      return [];
  }
}

function checkLeaf({ node, path, subject }: Node, context: CompileContext): void {
  switch (node.kind) {
    case 'all':
    case 'any':
    case 'not':
      return;
    case 'event':
    case 'consent':
    case 'outcome':
      return checkQuestion(node, path, context);
    case 'equals':
    case 'in':
    case 'greater_than':
    case 'less_than':
    case 'contains':
    case 'exists': {
      checkPath(node.attribute, `${path}.attribute`, context.report);
      if (subject === 'run' && isOfRun(node.attribute)) checkResponse(node.attribute, `${path}.attribute`, context);
    }
  }
}

function checkQuestion(question: RunQuestion, path: string, context: CompileContext): void {
  const { report } = context;
  switch (question.kind) {
    case 'event': {
      const { name, within, at_least: atLeast = 1 } = question;
      checkText(name, `${path}.name`, report);
      if (within !== undefined) durationOf(within, `${path}.within`, report);
      if (!Number.isInteger(atLeast) || atLeast < 1 || atLeast > EVENTS_COUNTED_MAX) {
        report(`${path}.at_least`, 'bad_condition', `must be a whole number from 1 to ${EVENTS_COUNTED_MAX}`);
      }
      return;
    }
    case 'consent': {
      for (const field of ['purpose', 'channel'] as const) {
        if (WORD_PATTERN.test(question[field])) continue;
        report(`${path}.${field}`, 'bad_condition', `must match ${WORD_PATTERN.source}`);
      }
      return;
    }
    case 'outcome':
      context.references.push({
        path: `${path}.step`,
        stepId: question.step,
        fits: ({ kind }) => kind === 'message' || kind === 'decide' || kind === 'act',
        message: 'only steps that send, decide or do something have an outcome',
      });
  }
}

/** Whether it is a path of the run, not of the profile. */
export const isOfRun = (attribute: string): boolean => attribute === 'run' || attribute.startsWith('run.');

function checkResponse(attribute: string, path: string, context: CompileContext): void {
  const [, responses, stepId] = attribute.split('.');
  if (responses !== 'responses' || stepId === undefined) {
    return context.report(path, 'bad_attribute', 'of a run only run.responses.<step> can be read');
  }
  context.references.push({
    path,
    stepId,
    fits: (step) => step.kind === 'act' && step.act.kind === 'webhook',
    message: 'only webhook steps get a response',
  });
}
