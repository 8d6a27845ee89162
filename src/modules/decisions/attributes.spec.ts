import fc from 'fast-check';
import type { Condition } from '../../core/audiences/condition.js';
import { evaluateCondition } from '../../core/audiences/evaluate-condition.js';
import { outermost, partAt, pathsOf } from './attributes.js';

const name = fc.constantFrom('a', 'b', 'plan', 'email', 'constructor', '__proto__');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
const scalar = fc.constantFrom(null, true, 1, 2, 'pro', '');
const document = fc.dictionary(
  name,
  fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(scalar, { maxLength: 2 }), tie('object')),
    object: fc.dictionary(name, tie('value'), { maxKeys: 3 }),
  })).value,
);
const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ kind: fc.constant('equals' as const), attribute: path, value: scalar }),
  fc.record({ kind: fc.constant('exists' as const), attribute: path }),
  fc.record({ kind: fc.constant('contains' as const), attribute: path, value: scalar }),
  fc.record({ kind: fc.constant('in' as const), attribute: path, values: fc.array(scalar, { minLength: 1 }) }),
  fc.record({ kind: fc.constant('less_than' as const), attribute: path, value: fc.constantFrom(2, 'q') }),
);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  leaf,
  leaf.map((of): Condition => ({ kind: 'not', of })),
  fc.array(leaf, { minLength: 1, maxLength: 4 }).map((of): Condition => ({ kind: 'all', of })),
  fc.array(leaf, { minLength: 1, maxLength: 4 }).map((of): Condition => ({ kind: 'any', of })),
);

describe('the part of a document that conditions test', () => {
  it('answers every condition as the whole document does', () => {
    fc.assert(
      fc.property(document, fc.array(condition, { minLength: 1, maxLength: 3 }), (attributes, conditions) => {
        const part = partAt(attributes, pathsOf(conditions));
        for (const each of conditions) {
          const onPart = evaluateCondition({ condition: each, attributes: part });
          expect(onPart).toBe(evaluateCondition({ condition: each, attributes }));
        }
      }),
    );
  });

  it('holds nothing else: what was not asked for is not recorded', () => {
    const attributes = { email: 'ada@example.org', attributes: { plan: 'pro', salary: 1 } };
    const paths = pathsOf([{ kind: 'equals', attribute: 'attributes.plan', value: 'pro' }, null]);
    expect(partAt(attributes, paths)).toEqual({ attributes: { plan: 'pro' } });
  });

  it('leaves the document as it was, also where one path leads into another', () => {
    const attributes = Object.freeze({ a: Object.freeze({ b: 1, c: 2 }) });
    expect(outermost(['a.b', 'a', 'ab', 'a.b'])).toEqual(['a', 'ab']);
    expect(partAt(attributes, outermost(['a.b', 'a']))).toEqual({ a: { b: 1, c: 2 } });
    expect(attributes).toEqual({ a: { b: 1, c: 2 } });
  });
});
