import type { Api } from './api.js';
import type { DemoOptions } from './options.js';
import type { ProgressOutput } from './progress.js';

/** What every part of the demo works with. */
export interface Demo {
  readonly options: DemoOptions;
  readonly api: Api;
  readonly output: ProgressOutput;
}

/** Tells one thing, on a line of its own. */
export function say({ output }: Demo, text: string): void {
  output.write(`${text}\n`);
}
