import fc from 'fast-check';
import type { Condition } from './condition.js';
import { evaluateCondition, isWithinLimits } from './evaluate-condition.js';
import { evaluateRunCondition, questionKey, questionsIn } from './evaluate-run-condition.js';
import type { RunCondition, RunQuestion } from './run-condition.js';

const viewed: RunQuestion = { kind: 'event', name: 'viewed', within: 'P7D', at_least: 3 };
const mayMail: RunQuestion = { kind: 'consent', purpose: 'marketing', channel: 'email' };
const wasSent: RunQuestion = { kind: 'outcome', step: 'hello', is: 'sent' };
const isPro: Condition = { kind: 'equals', attribute: 'attributes.plan', value: 'pro' };
const attributes = { attributes: { plan: 'pro' }, run: { responses: { ask_shop: { stock: 4 } } } };

const test = (condition: RunCondition, ...yes: readonly RunQuestion[]): boolean => {
  const keys = new Set(yes.map(questionKey));
  return evaluateRunCondition({ condition, attributes, answer: (question) => keys.has(questionKey(question)) });
};

describe('evaluateRunCondition', () => {
  it.each<[string, RunCondition, readonly RunQuestion[], boolean]>([
    ['a question answered yes', viewed, [viewed], true],
    ['a question answered no', viewed, [], false],
    ['not, of a question', { kind: 'not', of: mayMail }, [], true],
    ['all, with an attribute', { kind: 'all', of: [isPro, mayMail] }, [mayMail], true],
    ['all, one of them no', { kind: 'all', of: [isPro, mayMail, wasSent] }, [mayMail], false],
    ['any', { kind: 'any', of: [viewed, wasSent] }, [wasSent], true],
    ['a response', { kind: 'greater_than', attribute: 'run.responses.ask_shop.stock', value: 3 }, [], true],
  ])('%s', (_name, condition, yes, expected) => {
    expect(test(condition, ...yes)).toBe(expected);
  });

  it('agrees with evaluateCondition on every condition without questions', () => {
    const { tree } = fc.letrec<{ tree: Condition }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.record({
          kind: fc.constant('equals' as const),
          attribute: fc.constantFrom('attributes.plan', 'gone'),
          value: fc.constantFrom('pro', null),
        }),
        fc.record({ kind: fc.constant('all' as const), of: fc.array(tie('tree'), { maxLength: 3 }) }),
        fc.record({ kind: fc.constant('not' as const), of: tie('tree') }),
      ),
    }));
    fc.assert(
      fc.property(tree, (condition) => {
        expect(test(condition)).toBe(evaluateCondition({ condition, attributes }));
      }),
    );
  });

  it('lets no question into a condition on the profile alone', () => {
    expect(() => evaluateCondition({ condition: viewed as unknown as Condition, attributes })).toThrow('unreachable');
  });
});

describe('questionsIn', () => {
  it('finds every question once, however deep, whatever the order of its fields', () => {
    const turned = { at_least: 3, within: 'P7D', name: 'viewed', kind: 'event' } as const;
    const condition: RunCondition = {
      kind: 'all',
      of: [isPro, viewed, { kind: 'not', of: { kind: 'any', of: [turned, mayMail, wasSent] } }],
    };
    expect(questionsIn(condition).map(questionKey).sort()).toEqual([viewed, mayMail, wasSent].map(questionKey).sort());
    expect(questionsIn(isPro)).toEqual([]);
  });
});

describe('limits', () => {
  const questions = (count: number): RunCondition => ({ kind: 'any', of: Array<RunCondition>(count).fill(wasSent) });

  it('hold 49 questions beside their any, and stop 50', () => {
    expect(isWithinLimits(questions(49))).toBe(true);
    expect(test(questions(49), wasSent)).toBe(true);
    expect(isWithinLimits(questions(50))).toBe(false);
    expect(() => test(questions(50), wasSent)).toThrow('too deep or too large');
  });

  it('count the condition on the properties of an event, as nodes and as depth', () => {
    const values = Array<number>(990).fill(1);
    const where: Condition = { kind: 'in', attribute: 'amount', values };
    expect(isWithinLimits(where)).toBe(true);
    expect(isWithinLimits({ kind: 'event', name: 'bought', where })).toBe(false);
    const nested = (depth: number): Condition => (depth === 1 ? isPro : { kind: 'not', of: nested(depth - 1) });
    expect(isWithinLimits({ kind: 'event', name: 'bought', where: nested(19) })).toBe(true);
    expect(isWithinLimits({ kind: 'event', name: 'bought', where: nested(20) })).toBe(false);
  });
});
