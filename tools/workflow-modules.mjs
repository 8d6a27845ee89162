// What the bundle of the workflows keeps once for all runs instead of once for each.
import { existsSync } from 'node:fs';
import path from 'node:path';

/** Pure: they hold no state between two calls, so that runs can share them. What they import is shared with them. */
const PURE = ['describe-state', 'interpreter', 'jumping', 'listening', 'path', 'plan'];

/** @param folder holds `src/core` as it is bundled: the project's for its sources, `dist` for what was built */
export function sharedModules(folder) {
  return PURE.map((name) => {
    const source = path.join(folder, 'src/core/journeys', name);
    return existsSync(`${source}.ts`) ? `${source}.ts` : `${source}.js`;
  });
}
