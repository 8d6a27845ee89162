const POLL_MS = 25;

/**
 * Waits for a condition, in place of a fixed time.
 *
 * @throws Error that says what did not come, after `msMax`
 */
export async function until(isSo: () => boolean | Promise<boolean>, msMax: number, what: () => string): Promise<void> {
  const deadline = Date.now() + msMax;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not within ${msMax} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
