/**
 * Does something for every item, at most `limit` at once, and waits for all. The first failure stops new ones from being
 * begun and is thrown when those under way have ended.
 */
export async function forEachLimited<Item>(
  items: readonly Item[],
  limit: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const errors: unknown[] = [];
  async function work(): Promise<void> {
    for (const item of rest) {
      if (errors.length > 0) return;
      await run(item).catch((error: unknown) => errors.push(error));
    }
  }
  await Promise.all(Array.from({ length: limit }, work));
  if (errors.length > 0) throw errors[0];
}

/** Cuts a list into parts of `size`, the last one shorter. */
export function inParts<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  const parts: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}
