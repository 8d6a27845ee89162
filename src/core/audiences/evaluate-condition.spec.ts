import fc from 'fast-check';

import type { Condition } from './condition.js';
import { evaluateCondition } from './evaluate-condition.js';

const attributes = {
  lifecycle_stage: 'trial',
  visits: 3,
  is_member: false,
  nothing: null,
  tags: ['a', 7, null],
  attributes: { plan: 'pro', deep: { er: 1 } },
  seen_at: '2027-06-15T01:30:00Z',
};

const test = (condition: Condition): boolean => evaluateCondition({ condition, attributes });
const equals = (attribute: string, value: string | number | boolean | null): Condition => ({
  kind: 'equals',
  attribute,
  value,
});

describe('evaluateCondition', () => {
  it.each<[string, Condition, boolean]>([
    ['equal text', equals('lifecycle_stage', 'trial'), true],
    ['other text', equals('lifecycle_stage', 'Trial'), false],
    ['a number is not its text', equals('visits', '3'), false],
    ['false is not null', equals('is_member', null), false],
    ['a dotted path', equals('attributes.plan', 'pro'), true],
    ['a deeper path', equals('attributes.deep.er', 1), true],
    ['a missing attribute is null', equals('attributes.gone.further', null), true],
    ['a path through a text leads nowhere', equals('lifecycle_stage.length', null), true],
    ['a path through an array leads nowhere', equals('tags.0', null), true],
    ['an empty path leads nowhere', equals('', null), true],
    ['an object equals nothing', equals('attributes', 'pro'), false],
    ['in', { kind: 'in', attribute: 'visits', values: [1, 3] }, true],
    ['not in', { kind: 'in', attribute: 'visits', values: ['3'] }, false],
    ['in nothing', { kind: 'in', attribute: 'visits', values: [] }, false],
    ['missing in null', { kind: 'in', attribute: 'gone', values: [null] }, true],
    ['3 > 2', { kind: 'greater_than', attribute: 'visits', value: 2 }, true],
    ['3 > 3', { kind: 'greater_than', attribute: 'visits', value: 3 }, false],
    ['3 < 4', { kind: 'less_than', attribute: 'visits', value: 4 }, true],
    ['3 < 3', { kind: 'less_than', attribute: 'visits', value: 3 }, false],
    ['a number is not greater than a text', { kind: 'greater_than', attribute: 'visits', value: '1' }, false],
    ['a number is not less than a text', { kind: 'less_than', attribute: 'visits', value: '9' }, false],
    ['missing is not less', { kind: 'less_than', attribute: 'gone', value: 1 }, false],
    ['false is not less than 1', { kind: 'less_than', attribute: 'is_member', value: 1 }, false],
    ['a text is not less than itself', { kind: 'less_than', attribute: 'lifecycle_stage', value: 'trial' }, false],
    ['instants as text', { kind: 'greater_than', attribute: 'seen_at', value: '2027-06-15T01:29:59Z' }, true],
    ['an element', { kind: 'contains', attribute: 'tags', value: 7 }, true],
    ['no element', { kind: 'contains', attribute: 'tags', value: '7' }, false],
    ['a part of a text', { kind: 'contains', attribute: 'lifecycle_stage', value: 'ria' }, true],
    ['a text has no number as a part', { kind: 'contains', attribute: 'seen_at', value: 2027 }, false],
    ['a number has no parts', { kind: 'contains', attribute: 'visits', value: 3 }, false],
    ['false exists', { kind: 'exists', attribute: 'is_member' }, true],
    ['null does not exist', { kind: 'exists', attribute: 'nothing' }, false],
    ['missing does not exist', { kind: 'exists', attribute: 'gone' }, false],
    ['all of nothing', { kind: 'all', of: [] }, true],
    ['any of nothing', { kind: 'any', of: [] }, false],
    ['all', { kind: 'all', of: [equals('visits', 3), equals('visits', 4)] }, false],
    ['any', { kind: 'any', of: [equals('visits', 3), equals('visits', 4)] }, true],
    ['not', { kind: 'not', of: equals('visits', 4) }, true],
  ])('%s', (_name, condition, expected) => {
    expect(test(condition)).toBe(expected);
  });

  it.each(['__proto__', 'constructor', 'constructor.name', 'attributes.__proto__', 'toString', 'hasOwnProperty'])(
    'does not reach the machinery of objects by %s',
    (attribute) => {
      expect(test({ kind: 'exists', attribute })).toBe(false);
    },
  );

  it('does not read forbidden names even when they are own properties', () => {
    const hostile = JSON.parse('{"__proto__": {"plan": "pro"}, "constructor": 1, "prototype": 2}') as Record<
      string,
      unknown
    >;
    for (const attribute of ['__proto__', '__proto__.plan', 'constructor', 'prototype']) {
      expect(evaluateCondition({ condition: { kind: 'exists', attribute }, attributes: hostile })).toBe(false);
    }
  });

  const nested = (depth: number): Condition =>
    depth === 1 ? equals('visits', 3) : { kind: 'all', of: [nested(depth - 1)] };

  it('holds a condition 20 deep and stops one 21 deep', () => {
    expect(test(nested(20))).toBe(true);
    expect(() => test(nested(21))).toThrow('too deep or too large');
  });

  it('counts negations as depth and as nodes', () => {
    const negated = (depth: number): Condition =>
      depth === 1 ? equals('visits', 3) : { kind: 'not', of: negated(depth - 1) };
    expect(test(negated(19))).toBe(true);
    expect(() => test(negated(21))).toThrow('too deep or too large');
    expect(() => test({ kind: 'any', of: Array<Condition>(500).fill(negated(2)) })).toThrow('too deep or too large');
  });

  it('follows a path of ten parts and none of eleven', () => {
    const path = (parts: number): string => Array<string>(parts).fill('a').join('.');
    const value = JSON.parse(`${'{"a":'.repeat(11)}1${'}'.repeat(11)}`) as Record<string, unknown>;
    const exists = (attribute: string) =>
      evaluateCondition({ condition: { kind: 'exists', attribute }, attributes: value });
    expect(exists(path(10))).toBe(true);
    expect(exists(path(11))).toBe(false);
  });

  it('stops a tree of more than 1,000 nodes, also where a short cut would hide them', () => {
    const wide = (width: number): Condition => ({ kind: 'any', of: Array<Condition>(width).fill(equals('visits', 3)) });
    expect(test(wide(999))).toBe(true);
    expect(() => test(wide(1_000))).toThrow('too deep or too large');
    expect(() => test({ kind: 'in', attribute: 'visits', values: Array<number>(1_000).fill(3) })).toThrow(
      'too deep or too large',
    );
  });

  it('stops on a kind that does not exist instead of taking it for false', () => {
    const broken = { kind: 'not', of: { kind: 'matches', attribute: 'visits' } } as unknown as Condition;
    expect(() => test(broken)).toThrow('unreachable');
  });

  it('obeys De Morgan on any tree', () => {
    const { tree } = fc.letrec<{ tree: Condition; leaf: Condition }>((tie) => ({
      leaf: fc.oneof(
        fc.record({
          kind: fc.constant('equals' as const),
          attribute: fc.constantFrom('visits', 'gone'),
          value: fc.constantFrom(3, null),
        }),
        fc.record({
          kind: fc.constant('greater_than' as const),
          attribute: fc.constantFrom('visits', 'seen_at'),
          value: fc.integer(),
        }),
        fc.record({ kind: fc.constant('exists' as const), attribute: fc.constantFrom('nothing', 'tags') }),
      ),
      tree: fc.oneof(
        { maxDepth: 4, depthSize: 'small' },
        tie('leaf'),
        fc.record({
          kind: fc.constantFrom('all' as const, 'any' as const),
          of: fc.array(tie('tree'), { maxLength: 3 }),
        }),
        fc.record({ kind: fc.constant('not' as const), of: tie('tree') }),
      ),
    }));
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 4 }), (of) => {
        const inverted = of.map((part): Condition => ({ kind: 'not', of: part }));
        expect(test({ kind: 'not', of: { kind: 'all', of } })).toBe(test({ kind: 'any', of: inverted }));
      }),
    );
  });
});
