import { rest } from '../benchmark/product.mjs';

const AGAIN_AFTER_MS = 250;

/** Again until it is done: the API may be away, or have died before it could answer. */
export async function insist(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      // What has been done before its answer was lost is refused as a repetition.
      if (error.status === 409) return undefined;
      if (error.status >= 400 && error.status < 500) throw error;
      await rest(AGAIN_AFTER_MS);
    }
  }
}
