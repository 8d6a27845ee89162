import { refuseUnstorable } from './body.js';

/** An object of objects, `levels` deep. */
function nested(levels: number): object {
  let value: object = {};
  for (let level = 1; level < levels; level += 1) value = { a: value };
  return value;
}

describe('refuseUnstorable', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['plain text, emoji and control characters but NUL', { a: 'ä😀\r\n\t\u0001', b: [1, true, null] }],
    ['a key "constructor"', { constructor: 1 }],
    ['33 levels', nested(33)],
    ['many values side by side', Array.from({ length: 10_000 }, (_, index) => index)],
  ])('lets %s through', (_what, value) => {
    expect(() => refuseUnstorable(value)).not.toThrow();
  });

  it.each<[string, unknown, RegExp]>([
    ['a NUL in a value', { users: [{ name: 'a\u0000' }] }, /^users\[0\]\.name holds a NUL/],
    ['a NUL in a key', { a: { 'b\u0000': 1 } }, /^a holds a NUL/],
    ['a high surrogate alone', ['\ud800'], /^\[0\] holds/],
    ['a low surrogate alone', '\udc00', /^the request holds/],
    ['a key __proto__', JSON.parse('{"__proto__": {}}'), /__proto__/],
    ['34 levels', nested(34), /more than 32 levels/],
    ['100,000 levels', nested(100_000), /more than 32 levels/],
  ])('refuses %s', (_what, value, message) => {
    expect(() => refuseUnstorable(value)).toThrow(message);
  });
});
