import { Batches } from './batches.js';

/** Work that stands still until it is let go, and remembers what it was given. */
function stage(limits: { sizeMax: number; underWayMax: number }) {
  const started: (readonly number[])[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const batches = new Batches<number, string>((items) => {
    started.push(items);
    return new Promise((resolve, reject) => {
      ends.push((error) => (error === undefined ? resolve(items.map((item) => `done ${item}`)) : reject(error)));
    });
  }, limits);
  return { started, batches, end: (index: number, error?: Error) => ends[index]?.(error) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('Batches', () => {
  it('gives each caller its own result, and takes those of one turn together', async () => {
    const { batches, started, end } = stage({ sizeMax: 8, underWayMax: 2 });
    const results = [1, 2, 3].map((item) => batches.add(item));
    await turn();
    expect(started).toEqual([[1, 2, 3]]);
    end(0);
    expect(await Promise.all(results)).toEqual(['done 1', 'done 2', 'done 3']);
  });

  it('starts at once while few are under way, and gathers the rest', async () => {
    const { batches, started, end } = stage({ sizeMax: 8, underWayMax: 2 });
    const results: Promise<string>[] = [];
    for (const item of [1, 2, 3, 4, 5]) {
      results.push(batches.add(item));
      await turn();
    }
    expect(started).toEqual([[1], [2]]);
    end(1);
    await turn();
    expect(started).toEqual([[1], [2], [3, 4, 5]]);
    end(0);
    end(2);
    expect(await Promise.all(results)).toHaveLength(5);
  });

  it('keeps batches small and starts no more than it may', async () => {
    const { batches, started, end } = stage({ sizeMax: 2, underWayMax: 2 });
    const results = [1, 2, 3, 4, 5].map((item) => batches.add(item));
    await turn();
    await turn();
    expect(started).toEqual([
      [1, 2],
      [3, 4],
    ]);
    end(0);
    await turn();
    expect(started).toHaveLength(3);
    end(1);
    end(2);
    expect(await Promise.all(results)).toHaveLength(5);
  });

  it('fails for all of a batch that failed, and goes on with the next', async () => {
    const { batches, end } = stage({ sizeMax: 2, underWayMax: 1 });
    const results = [1, 2, 3].map((item) => batches.add(item));
    const settled = Promise.allSettled(results);
    await turn();
    end(0, new Error('lost'));
    await turn();
    end(1);
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });

  it('lets one item fail by itself', async () => {
    const batches = new Batches<number, number>(
      async (items) => items.map((item) => (item === 2 ? Promise.reject(new Error('two')) : item)),
      { sizeMax: 8, underWayMax: 1 },
    );
    const settled = await Promise.allSettled([1, 2, 3].map((item) => batches.add(item)));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('takes a wrong number of results for the bug that it is', async () => {
    const batches = new Batches<number, number>(async () => [1], { sizeMax: 8, underWayMax: 1 });
    const settled = await Promise.allSettled([1, 2].map((item) => batches.add(item)));
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
