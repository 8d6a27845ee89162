import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import type { RunStepRequest } from '../../src/modules/steps/step-request.js';

/** What a process is to do, and in front of or behind which of its writes to a socket it is to die. */
export interface StepOrder {
  readonly request: RunStepRequest;
  readonly death: { readonly write: number; readonly moment: 'before' | 'after' } | null;
}

export interface StepEnd {
  /** Null of a process that died before it could say. */
  readonly answer: StepAnswer | null;
  /** Everything that it wrote to the database and to the mail server, one line for each packet. */
  readonly writes: readonly string[];
}

const file = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** Starts processes of the product from its sources; what was compiled for one serves the next. */
export class StepProcesses {
  private readonly compiled = mkdtempSync(path.join(tmpdir(), 'tactful-compiled-'));
  private started = 0;

  constructor(private readonly environment: Readonly<Record<string, string>>) {}

  /** By this name the database knows the sessions of the process. */
  readonly sessionName = (number: number): string => `step-process-${process.pid}-${number}`;

  close(): void {
    rmSync(this.compiled, { recursive: true, force: true });
  }

  async run(order: StepOrder): Promise<StepEnd & { readonly sessionName: string }> {
    this.started += 1;
    const sessionName = this.sessionName(this.started);
    const child = fork(file('step-process.main.ts'), {
      execArgv: ['--import', file('compile-hooks.mjs')],
      env: {
        ...process.env,
        ...this.environment,
        PGAPPNAME: sessionName,
        SPEC_COMPILED: this.compiled,
        NODE_COMPILE_CACHE: this.compiled,
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    return { ...(await end(child, order)), sessionName };
  }
}

async function end(child: ChildProcess, order: StepOrder): Promise<StepEnd> {
  const { stdout } = child;
  if (stdout === null) throw new Error('a process without output');
  const written = text(stdout);
  const died = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  let answer: StepAnswer | null = null;
  child.on('message', (message) => {
    if (message === 'ready') return void child.send(order);
    ({ answer } = message as { answer: StepAnswer });
    child.kill('SIGKILL');
  });
  const { code, signal } = await died;
  if (signal !== 'SIGKILL') throw new Error(`a process for one step ended with ${code ?? signal}`);
  return { answer, writes: (await written).split('\n').filter((line) => line !== '') };
}
