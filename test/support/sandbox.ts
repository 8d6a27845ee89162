import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Accounts, AccountsChange } from '../../src/sandbox/accounts.js';
import { until } from './until.js';

/** One accepted message, as the sandbox's log has it. */
export interface AcceptedMessage {
  readonly seq: number;
  readonly provider: string;
  readonly id: string;
  readonly recipient: string;
  readonly key: string | null;
  readonly custom: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly started_at: string;
  readonly accepted_at: string;
  readonly fault: string | null;
}

/** One attempt of a callback, as the sandbox's log has it. */
export interface SentCallback {
  readonly provider: string;
  readonly names: readonly string[];
  readonly ids: readonly string[];
  readonly url: string;
  readonly order: number;
  readonly attempt: number;
  readonly status: number | null;
  readonly error: string | null;
  readonly next_in_ms: number | null;
  readonly body: string;
}

interface Listed<Item> {
  readonly items: readonly Item[];
  readonly next_after: number | null;
  readonly count: number;
}

const file = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** Starts the provider sandbox as a process of its own, from its sources, on free ports; `more` options stand last. */
export async function startSandboxProcess(...more: readonly string[]) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tactful-sandbox-spec-'));
  const argv = ['--import', file('compile-hooks.mjs'), file('../../src/sandbox/main.ts')];
  const child = spawn(
    process.execPath,
    [...argv, '--http-port', '0', '--smtp-port', '0', '--log-file', path.join(folder, 'truth.jsonl'), ...more],
    { env: { ...process.env, SPEC_COMPILED: folder }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { http_url: url, smtp_url: smtpUrl, log_file: logFile } = JSON.parse(line) as Record<string, string>;

  const ask = async <Answer>(method: string, where: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${url}${where}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`);
    return (response.status === 204 ? undefined : await response.json()) as Answer;
  };
  const callbacks = (query = ''): Promise<Listed<SentCallback> & { readonly pending: number }> =>
    ask('GET', `/admin/callbacks?limit=10000&${query}`);

  return {
    url: url ?? '',
    smtpUrl: smtpUrl ?? '',
    ask,
    /** What the file holds, as lines. */
    log: (): readonly { readonly kind: string; readonly id: string }[] =>
      readFileSync(logFile ?? '', 'utf8')
        .split('\n')
        .filter((text) => text !== '')
        .map((text) => JSON.parse(text)),
    accounts: (change?: AccountsChange): Promise<Accounts> =>
      change === undefined ? ask('GET', '/admin/accounts') : ask('PUT', '/admin/accounts', change),
    faults: (faults: readonly object[], seed = 1): Promise<void> => ask('PUT', '/admin/faults', { seed, faults }),
    accepted: async (query = ''): Promise<readonly AcceptedMessage[]> =>
      (await ask<Listed<AcceptedMessage>>('GET', `/admin/accepted?limit=10000&${query}`)).items,
    callbacks,
    /** Waits until nothing is to be called back any more. */
    settled: (): Promise<void> =>
      until(
        async () => (await callbacks()).pending === 0,
        60_000,
        () => 'callbacks',
      ),
    /** Without a warning. */
    kill(): void {
      child.once('exit', () => rmSync(folder, { recursive: true, force: true }));
      child.kill('SIGKILL');
    },
    /** @returns its exit code */
    async stop(): Promise<number | null> {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = (await ended) as [number | null];
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
  };
}

export type SandboxProcess = Awaited<ReturnType<typeof startSandboxProcess>>;
