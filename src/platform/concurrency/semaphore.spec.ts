import { Semaphore } from './semaphore.js';

describe('Semaphore', () => {
  it('lets no more than its places in, serves in order, and frees a place also after a failure', async () => {
    const semaphore = new Semaphore(2);
    const opened: (() => void)[] = [];
    const begun: number[] = [];
    const all = Array.from({ length: 5 }, (_, index) =>
      semaphore.run(async () => {
        begun.push(index);
        await new Promise<void>((resolve) => opened.push(resolve));
        if (index === 0) throw new Error('failed');
        return index;
      }),
    );
    const settled = Promise.allSettled(all);
    for (let served = 1; served <= 5; served += 1) {
      while (opened.length === 0) await Promise.resolve();
      expect(begun.length).toBeLessThanOrEqual(served + 1);
      opened.shift()?.();
      await Promise.resolve();
    }
    const results = await settled;
    expect(results.map(({ status }) => status)).toEqual(['rejected', ...Array<string>(4).fill('fulfilled')]);
    expect(begun).toEqual([0, 1, 2, 3, 4]);
  });
});
