import { forEachLimited, inParts } from '../../tools/demo/limited.js';

describe('forEachLimited', () => {
  it('does every item once and never more than the limit at once', async () => {
    const items = Array.from({ length: 50 }, (_, index) => index);
    const done: number[] = [];
    let running = 0;
    let most = 0;
    await forEachLimited(items, 4, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      done.push(item);
      running -= 1;
    });
    expect([...done].sort((left, right) => left - right)).toEqual(items);
    expect(most).toBe(4);
  });

  it('begins nothing new after a failure, and throws it', async () => {
    const begun: number[] = [];
    const work = forEachLimited([1, 2, 3, 4], 1, (item) => {
      begun.push(item);
      return item === 2 ? Promise.reject(new Error('two')) : Promise.resolve();
    });
    await expect(work).rejects.toThrow('two');
    expect(begun).toEqual([1, 2]);
  });
});

it('cuts into parts of which the last is shorter', () => {
  expect(inParts([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
  expect(inParts([], 2)).toEqual([]);
});
