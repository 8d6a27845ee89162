interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result | PromiseLike<Result>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Does the same work for many callers at once. While few batches are under way, whoever comes is served in the same turn
 * of the event loop, mostly alone; the more callers there are, the more of them share one batch, and the less each costs.
 * Nobody waits for others to come.
 */
export class Batches<Item, Result> {
  private readonly waiting: Waiting<Item, Result>[] = [];
  private underWay = 0;
  private isScheduled = false;

  /**
   * @param work one result for each item, in their order; a result that is a promise of its own may fail by itself
   * @param limits.sizeMax items in one batch
   * @param limits.underWayMax batches at once; one is under way until `work` resolves, whatever its promises still do
   */
  constructor(
    private readonly work: (items: readonly Item[]) => Promise<readonly (Result | Promise<Result>)[]>,
    private readonly limits: { readonly sizeMax: number; readonly underWayMax: number },
  ) {}

  /** The result for this item. What goes wrong with the batch goes wrong for all in it. */
  add(item: Item): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  /** At the end of this turn, so that all who come in it go together. */
  private schedule(): void {
    if (this.isScheduled || this.waiting.length === 0 || this.underWay >= this.limits.underWayMax) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      void this.start();
      this.schedule();
    });
  }

  private async start(): Promise<void> {
    const batch = this.waiting.splice(0, this.limits.sizeMax);
    this.underWay += 1;
    try {
      const results = await this.work(batch.map(({ item }) => item));
      if (results.length !== batch.length) throw new Error(`${results.length} results for ${batch.length} items`);
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result | Promise<Result>);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.underWay -= 1;
      this.schedule();
    }
  }
}
