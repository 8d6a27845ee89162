import { isGpc } from './gpc.js';

describe('isGpc', () => {
  it.each<[string | string[] | undefined, boolean]>([
    ['1', true],
    [undefined, false],
    ['', false],
    ['0', false],
    [' 1', false],
    ['1 ', false],
    ['01', false],
    ['1, 1', false],
    ['true', false],
    ['１', false],
    [['1'], false],
    [['1', '1'], false],
  ])('%j: %s', (value, expected) => {
    expect(isGpc(value)).toBe(expected);
  });
});
