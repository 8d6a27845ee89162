/** One request of a page, as a reader would send it, and what the page shows of its answer. */
export interface PageRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** The block that follows the request: parts of JSON, or lines of text. `…` in it stands for any text. */
  readonly shows: unknown;
}

const WORD = /'([^']*)'|([^\s'\\]+)/g;
const HOST = 'localhost:8000';

/** Every `curl` to our API in the code blocks of a page that have no language, in the order of the page. */
export function requestsOf(page: string): readonly PageRequest[] {
  const requests: PageRequest[] = [];
  for (const [, language, text = ''] of page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
    const last = requests.at(-1);
    if (language === '') requests.push(...text.split(/^(?=curl )/m).flatMap(readCommand));
    else if (last !== undefined) {
      requests.splice(-1, 1, { ...last, shows: language === 'json' ? JSON.parse(text) : text.split('\n') });
    }
  }
  return requests;
}

function readCommand(command: string): readonly PageRequest[] {
  const words = [...command.matchAll(WORD)].flatMap(([, quoted, bare]) => quoted ?? bare ?? []);
  const path = words.find((word) => word.startsWith(HOST))?.slice(HOST.length);
  if (words[0] !== 'curl' || path === undefined) return [];
  const after = (option: string): readonly string[] => words.filter((_, index) => words[index - 1] === option);
  const headers = Object.fromEntries(after('-H').map((header) => header.split(': '))) as Record<string, string>;
  return [{ method: after('-X')[0] ?? 'GET', path, headers, body: after('-d')[0], shows: undefined }];
}

/** Whether an answer has everything that a page shows of it; lists have as many entries as shown. */
export function isShown(shows: unknown, answer: unknown): boolean {
  if (typeof answer === 'string' && Array.isArray(shows)) return shows.every((line) => answer.includes(String(line)));
  if (typeof shows === 'string') return typeof answer === 'string' && patternOf(shows).test(answer);
  if (typeof shows !== 'object' || shows === null) return shows === answer;
  if (typeof answer !== 'object' || answer === null) return false;
  if (Array.isArray(shows) && shows.length !== (answer as readonly unknown[]).length) return false;
  return Object.entries(shows).every(([name, part]) => isShown(part, (answer as Record<string, unknown>)[name]));
}

function patternOf(text: string): RegExp {
  const parts = text.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`);
}
