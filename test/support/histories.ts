import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { WorkflowHandle } from '@temporalio/client';

const EXTENSION = '.json';
const folder = new URL('../replay/histories/', import.meta.url);
const file = (name: string): URL => new URL(`${name}${EXTENSION}`, folder);

/** Stores the history of a finished run, to be committed and replayed by every later version of the code. */
export async function recordHistory(handle: WorkflowHandle, name: string): Promise<void> {
  writeFileSync(file(name), historyToJSON(await handle.fetchHistory()) + '\n');
}

/** The JSON form of a history, as far as specs look into it. */
export interface JsonHistory {
  events: { eventType: string; [attributes: string]: unknown }[];
}

export function historyNames(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(EXTENSION))
    .map((name) => name.slice(0, -EXTENSION.length))
    .sort();
}

export function readHistory(name: string): JsonHistory {
  return JSON.parse(readFileSync(file(name), 'utf8')) as JsonHistory;
}
