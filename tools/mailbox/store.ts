import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

const ID_DIGITS = 10;

/** What lists show of a message; its source lies in a file of its own. */
export interface StoredMessage {
  /** Grows with each message; sorts as text. */
  readonly id: string;
  readonly receivedAt: string;
  /** Envelope: who really sent it, and to whom it really went. */
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly messageId: string;
  readonly bytes: number;
}

/** One line of the index file. */
type IndexLine =
  { readonly kind: 'message'; readonly message: StoredMessage } | { readonly kind: 'cleared'; readonly lastId: number };

export interface Page {
  readonly items: readonly StoredMessage[];
  /** Hand it back for the next, older page; null on the last. */
  readonly nextCursor: string | null;
}

export interface MessageStore {
  add(message: Omit<StoredMessage, 'id' | 'bytes'>, source: Buffer): Promise<StoredMessage>;
  get(id: string): StoredMessage | undefined;
  source(id: string): Promise<Buffer>;
  /** Newest first; `to` is part of a recipient, in any case. */
  list(query: { readonly to: string; readonly limit: number; readonly cursor: string | null }): Page;
  count(to: string): number;
  clear(): void;
}

/**
 * Messages on disk: the sources as `.eml` files, and an index to which lines are only ever appended. A line is written
 * after its file, so that a crash leaves at worst a file that nobody lists.
 */
export function openMessageStore(folder: string): MessageStore {
  const sources = path.join(folder, 'messages');
  const indexFile = path.join(folder, 'index.jsonl');
  mkdirSync(sources, { recursive: true });
  const { messages, lastId } = readIndex(indexFile);
  let next = lastId + 1;
  let adding: Promise<unknown> = Promise.resolve();
  const fileOf = (id: string): string => path.join(sources, `${id}.eml`);

  async function write(message: Omit<StoredMessage, 'id' | 'bytes'>, source: Buffer): Promise<StoredMessage> {
    const stored = { id: String(next++).padStart(ID_DIGITS, '0'), ...message, bytes: source.length };
    await writeFile(`${fileOf(stored.id)}.partial`, source);
    await rename(`${fileOf(stored.id)}.partial`, fileOf(stored.id));
    append(indexFile, { kind: 'message', message: stored });
    messages.set(stored.id, stored);
    return stored;
  }

  return {
    add(message, source) {
      // One after the other, so that the order of ids is the order of the index.
      const added = adding.then(() => write(message, source));
      adding = added.catch(() => undefined);
      return added;
    },
    get: (id) => messages.get(id),
    source: (id) => readFile(fileOf(id)),
    list: (query) => listPage(messages, query),
    count: (to) => [...messages.values()].filter((message) => isTo(message, to)).length,
    clear() {
      messages.clear();
      writeFileSync(`${indexFile}.partial`, `${JSON.stringify({ kind: 'cleared', lastId: next - 1 })}\n`);
      renameSync(`${indexFile}.partial`, indexFile);
      rmSync(sources, { recursive: true });
      mkdirSync(sources);
    },
  };
}

function listPage(messages: ReadonlyMap<string, StoredMessage>, query: Parameters<MessageStore['list']>[0]): Page {
  const matching = [...messages.values()]
    .reverse()
    .filter((message) => (query.cursor === null || message.id < query.cursor) && isTo(message, query.to));
  const items = matching.slice(0, query.limit);
  return { items, nextCursor: matching.length > query.limit ? (items.at(-1)?.id ?? null) : null };
}

function isTo(message: StoredMessage, to: string): boolean {
  return to === '' || message.to.some((address) => address.toLowerCase().includes(to.toLowerCase()));
}

function append(file: string, line: IndexLine): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

function readIndex(file: string): { readonly messages: Map<string, StoredMessage>; readonly lastId: number } {
  const messages = new Map<string, StoredMessage>();
  let lastId = 0;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  for (const line of text.split('\n').filter(Boolean)) {
    const entry = parseLine(line);
    if (entry?.kind === 'message') messages.set(entry.message.id, entry.message);
    if (entry !== undefined) lastId = entry.kind === 'message' ? Number(entry.message.id) : entry.lastId;
  }
  // What comes next must not be glued to a line that a crash cut off.
  if (text !== '' && !text.endsWith('\n')) appendFileSync(file, '\n');
  return { messages, lastId };
}

/** Undefined for a line that a crash cut off. */
function parseLine(line: string): IndexLine | undefined {
  try {
    return JSON.parse(line) as IndexLine;
  } catch {
    return undefined;
  }
}
