import type { BadRequestException } from '@nestjs/common';
import { z } from 'zod';
import { formatPath, ValidationPipe } from './validation.pipe.js';

const Leaf = z.strictObject({ kind: z.literal('leaf'), value: z.number() });
const Tree = z.discriminatedUnion('kind', [Leaf, z.strictObject({ kind: z.literal('all'), of: z.array(Leaf) })]);
const Body = z.strictObject({
  steps: z.array(Tree),
  either: z.union([z.strictObject({ one: z.string() }), z.strictObject({ two: z.string() })]),
});

function faults(schema: z.ZodType, value: unknown, data?: string): unknown {
  try {
    new ValidationPipe().transform(value, {
      type: data === undefined ? 'body' : 'param',
      schema,
      ...(data === undefined ? {} : { data }),
    });
    return [];
  } catch (error) {
    return ((error as BadRequestException).getResponse() as { errors: unknown }).errors;
  }
}

describe('ValidationPipe', () => {
  it('hands on what the schema makes of the value, and leaves alone what has none', () => {
    const pipe = new ValidationPipe();
    expect(pipe.transform('5', { type: 'query', schema: z.string().transform(Number) })).toBe(5);
    expect(pipe.transform('5', { type: 'query' })).toBe('5');
  });

  it.each<[string, unknown, readonly string[]]>([
    ['nothing', undefined, ['']],
    [
      'a fault deep inside',
      {
        steps: [
          {
            kind: 'all',
            of: [
              { kind: 'leaf', value: 1 },
              { kind: 'leaf', value: 'x' },
            ],
          },
        ],
        either: { one: '' },
      },
      ['steps[0].of[1].value'],
    ],
    ['an unknown kind', { steps: [{ kind: 'none' }], either: { one: '' } }, ['steps[0].kind']],
    ['unknown keys', { steps: [], either: { one: '' }, a: 1, b: 2 }, ['a', 'b']],
    ['the alternative that was meant', { steps: [], either: { two: 5 } }, ['either.two']],
  ])('names the path of %s', (_what, value, paths) => {
    expect(faults(Body, value)).toEqual(paths.map((path) => expect.objectContaining({ path }) as unknown));
  });

  it('begins with the name of a path parameter', () => {
    expect(faults(z.uuid(), 'x', 'id')).toMatchObject([{ path: 'id' }]);
  });
});

describe('formatPath', () => {
  it.each<[readonly PropertyKey[], string]>([
    [[], ''],
    [['steps', 2, 'next'], 'steps[2].next'],
    [[0, 'a'], '[0].a'],
  ])('%j is %s', (path, text) => {
    expect(formatPath(path)).toBe(text);
  });
});
