import { parseYaml } from './yaml.js';

const messageOf = (text: string): string => {
  try {
    return `no fault: ${JSON.stringify(parseYaml(text))}`;
  } catch (error) {
    return error instanceof Error && 'statusCode' in error ? error.message : `not foreseen: ${String(error)}`;
  }
};

describe('parseYaml', () => {
  it('reads what JSON can say, and a local time as text', () => {
    const text = 'a: 1\nb: [true, null, "x", 21:00, 2027-06-15]\nc:\n  d: |\n    two\n    lines\non: yes\n';
    const value = { a: 1, b: [true, null, 'x', '21:00', '2027-06-15'], c: { d: 'two\nlines\n' }, on: 'yes' };
    expect(parseYaml(text)).toEqual(value);
    expect(parseYaml(JSON.stringify(value))).toEqual(value);
    expect(parseYaml('a: &x {b: 1}\nc: *x')).toEqual({ a: { b: 1 }, c: { b: 1 } });
    expect(parseYaml('')).toBeNull();
  });

  it.each<[string, string, RegExp]>([
    ['a bracket that is not closed', 'a: 1\nb: [1, 2', /line 2, column 9/],
    ['a tab as indentation', 'a:\n\tb: 1', /line 2, column 1/],
    ['a key twice', 'a: 1\nb:\n  c: 1\n  c: 2', /line 4, column 3: the key "c" stands here twice/],
    ['a key twice, one in quotes', '{a: 1, "a": 2}', /line 1, column 8: the key "a" stands here twice/],
    ['a number as a key', 'a:\n  1: b', /line 2, column 3: a key must be text/],
    ['a list as a key', '? [a]\n: b', /a key must be text/],
    ['two documents', 'a: 1\n---\nb: 2', /line 2, column 1/],
    ['a tag of its own', 'a: !thing 1', /line 1, column 4/],
    ['a timestamp by its tag', 'a: !!timestamp 2027-06-15', /line 1, column 16: the tag \S+:timestamp is not known/],
    ['text by its tag', 'a: !!str 5', /line 1, column 10: the tag \S+:str is not known/],
    ['a map by its tag', 'a: !!omap [b: 1]', /line 1, column 11: the tag \S+:omap is not known/],
    ['binary by its tag', 'a: !!binary aGk=', /line 1, column 13: the tag \S+:binary is not known/],
    ['version 1.1, in which 21:00 is a number', '%YAML 1.1\n---\na: 21:00', /only version 1\.2/],
    ['an infinite number', 'a: .inf', /line 1, column 4: a number must be finite/],
    ['no number', 'a: .nan', /a number must be finite/],
    ['an alias of nothing', 'a: *x', /line 1, column 4/],
    ['an alias into itself', 'a: &x [*x]', /line 1, column 8: an alias stands within/],
    ['101 levels', `${'['.repeat(101)}${']'.repeat(101)}`, /too many levels/],
    ['100,000 levels', `${'['.repeat(100_000)}`, /line 1/],
  ])('refuses %s with its place', (_what, text, message) => {
    expect(messageOf(text)).toMatch(message);
  });

  it('refuses aliases that would grow beyond all bounds, in no time', () => {
    const level = (n: number): string =>
      `l${n}: &l${n} [${Array(9)
        .fill(`*l${n - 1}`)
        .join(', ')}]`;
    const bomb = ['l0: &l0 [x]', ...Array.from({ length: 9 }, (_, index) => level(index + 1))].join('\n');
    expect(messageOf(bomb)).toMatch(/more than 100/);
    const many = `a: &a x\nb: [${Array(101).fill('*a').join(', ')}]`;
    expect(messageOf(many)).toMatch(/more than 100/);
  });

  it('keeps a key __proto__ as a key, for whoever refuses it', () => {
    const value = parseYaml('__proto__: {isAdmin: true}') as object;
    expect(Object.hasOwn(value, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('takes many keys without comparing each with each', () => {
    const keys = Array.from({ length: 20_000 }, (_, n) => `k${n}: 1`).join('\n');
    expect(Object.keys(parseYaml(keys) as object)).toHaveLength(20_000);
  });
});
