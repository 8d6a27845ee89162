// Held here because a look at a global costs much inside a test runner's sandbox, and this is done a million times.
const { floor, imul } = Math;

/** Random numbers that one seed decides: the same seed gives the same world on every machine (xoshiro128**, Blackman and Vigna). */
export class Random {
  readonly #state: Uint32Array;

  /** @param seed any whole number */
  constructor(seed: number) {
    this.#state = new Uint32Array(4);
    let mixed = seed >>> 0;
    for (let index = 0; index < 4; index += 1) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let part = mixed;
      part = imul(part ^ (part >>> 16), 0x21f0aaad);
      part = imul(part ^ (part >>> 15), 0x735a2d97);
      this.#state[index] = part ^ (part >>> 15);
    }
  }

  /** In [0, 1). */
  fraction(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#state;
    const product = imul(b, 5);
    const result = imul((product << 7) | (product >>> 25), 9) >>> 0;
    const c2 = c ^ a;
    const d2 = d ^ b;
    this.#state.set([a ^ d2, b ^ c2, c2 ^ (b << 9), (d2 << 11) | (d2 >>> 21)]);
    return result / 2 ** 32;
  }

  /** A whole number, both ends included. */
  int(min: number, max: number): number {
    return min + floor(this.fraction() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from');
    return list[this.int(0, list.length - 1)] as T;
  }

  /** One of the values, each as likely as its weight says. */
  weighted<T>(list: readonly (readonly [value: T, weight: number])[]): T {
    let left = this.fraction() * list.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [value, weight] of list) {
      left -= weight;
      if (left < 0) return value;
    }
    return this.pick(list)[0];
  }

  /** Each of the values with this probability, in their order. */
  some<T>(list: readonly T[], probability: number): T[] {
    return list.filter(() => this.chance(probability));
  }
}
