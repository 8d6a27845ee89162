/** Answers by what they look at, within one input at one instant: most candidates of a decision share them. */
export type Memo<T> = Map<string, T>;

/**
 * The answer of the first that looked at the same.
 *
 * @param lookedAt everything that `ask` depends on, as JSON: joined texts would confuse no group with one named `null`
 */
export function remembered<T>(memo: Memo<T>, lookedAt: string, ask: () => T): T {
  const known = memo.get(lookedAt);
  if (known !== undefined) return known;
  const answer = ask();
  memo.set(lookedAt, answer);
  return answer;
}
