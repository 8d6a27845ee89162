/** A caller's bug, never a user's mistake: it stops the operation also in production. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/**
 * States a fact that holds unless the program is wrong.
 *
 * @throws AssertionError if `condition` is false
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/**
 * Stands where the types say that nothing can arrive, e.g. after the last case of an exhaustive switch. Data that was
 * read from outside may break that word: then this stops the operation instead of going on with `undefined`.
 *
 * @throws AssertionError always
 */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
