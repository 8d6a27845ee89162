import fc from 'fast-check';

import { parseCsvLine, toCsvLine } from './csv.js';

describe('one line of CSV', () => {
  it.each<[string, readonly string[] | null]>([
    ['', ['']],
    [',', ['', '']],
    ['a,b', ['a', 'b']],
    [' a , b ', [' a ', ' b ']],
    ['"a,b",c', ['a,b', 'c']],
    ['"say ""hi""",', ['say "hi"', '']],
    ['""', ['']],
    ['"a', null],
    ['"a"b,c', null],
    ['a"b,c', null],
    ['a,"', null],
  ])('%s', (line, cells) => {
    expect(parseCsvLine(line)).toEqual(cells);
  });

  it('is read as it was written', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ' ', ',', '"', 'é', ';') });
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 5 }), (cells) => {
        const line = toCsvLine(cells);
        expect(line).toMatch(/\r\n$/);
        expect(parseCsvLine(line.slice(0, -2))).toEqual(cells);
      }),
    );
  });

  it('is read in a time that grows with its length, also where the quotes are not in order', () => {
    expect(parseCsvLine(`"${'""'.repeat(100_000)}`)).toBeNull();
    expect(parseCsvLine(','.repeat(100_000))).toHaveLength(100_001);
  });
});
