import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { WorkflowHandle } from '@temporalio/client';
import { ENGINE } from '../../src/core/journeys/interpreter-state.js';

const EXTENSION = '.json';
const folder = new URL('../replay/histories/', import.meta.url);
const file = (name: string): URL => new URL(`${name}${EXTENSION}`, folder);

/**
 * Stores the history of a finished run, to be committed and replayed by every later version of the code. What is
 * there stays: an old history that no longer fits is the very thing that replay is to find.
 */
export async function recordHistory(handle: WorkflowHandle, path: string): Promise<void> {
  const target = file(`engine-${ENGINE}.${path}`);
  if (existsSync(target)) return;
  const history = historyToJSON(await handle.fetchHistory());
  // Stack traces name the folders of the machine; replay does not read them.
  writeFileSync(target, history.replace(/"stackTrace": ?"(?:[^"\\]|\\.)*"/g, '"stackTrace": ""') + '\n');
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
