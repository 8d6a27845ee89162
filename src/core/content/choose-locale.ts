/**
 * Which of the languages that a message is written in a person gets: `pt-BR`, else `pt`, else none of them, which means
 * the message as it stands (the lookup of RFC 4647 section 3.4). A language never falls to a country's form of it: who
 * reads `pt` does not get `pt-BR`.
 *
 * @param wanted language tag of the person; null when it is not known
 * @param offered language tags; capitals do not matter
 * @returns one of `offered`, as it is written there
 */
export function chooseLocale({
  wanted,
  offered,
}: {
  readonly wanted: string | null;
  readonly offered: readonly string[];
}): string | null {
  for (let range = wanted?.toLowerCase() ?? ''; range !== ''; range = shorter(range)) {
    const found = offered.find((tag) => tag.toLowerCase() === range);
    if (found !== undefined) return found;
  }
  return null;
}

/** Without the last subtag, nor the single letter before it that only introduces it. */
function shorter(range: string): string {
  const rest = range.slice(0, Math.max(0, range.lastIndexOf('-')));
  return /-.$/.test(rest) ? shorter(rest) : rest;
}
