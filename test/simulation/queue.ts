interface Entry<T> {
  readonly at: number;
  readonly order: number;
  readonly value: T;
}

/** Things to do by instant; of those at one instant, the one that was put in first comes first (a binary heap). */
export class Queue<T> {
  readonly #entries: Entry<T>[] = [];
  #put = 0;

  get size(): number {
    return this.#entries.length;
  }

  add(at: number, value: T): void {
    const entries = this.#entries;
    const entry = { at, order: this.#put++, value };
    let index = entries.length;
    entries.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = entries[parent];
      if (above === undefined || isBefore(above, entry)) break;
      entries[index] = above;
      index = parent;
    }
    entries[index] = entry;
  }

  /** The earliest one; undefined when nothing is left. */
  take(): { readonly at: number; readonly value: T } | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (first === undefined || last === undefined || entries.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = entries[2 * index + 1];
      const right = entries[2 * index + 2];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || isBefore(last, child)) break;
      entries[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    entries[index] = last;
    return first;
  }
}

function isBefore<T>(left: Entry<T>, right: Entry<T>): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}
