// The provider sandbox as a process of its own, which nothing disturbs: what it has taken is the truth.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = 10_000;

/** @param folder where its log goes */
export async function startSandbox({ folder, dist = 'dist' }) {
  const child = spawn(
    process.execPath,
    [
      path.join(root, dist, 'src/sandbox/main.js'),
      ...['--http-port', '0', '--smtp-port', '0', '--log-file', path.join(folder, 'truth.jsonl')],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  process.once('exit', () => child.kill());
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { http_url: url, smtp_url: smtpUrl } = JSON.parse(line);
  const ask = async (method, where, body) => {
    const headers = { 'content-type': 'application/json' };
    const request = { method, ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }) };
    const response = await fetch(url + where, request);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  return {
    url,
    smtpUrl,
    ask,
    /** What was taken after the entry `after` of the log, in the order of acceptance. */
    async accepted(after = 0) {
      const items = [];
      for (let next = after; next !== null;) {
        const page = await ask('GET', `/admin/accepted?limit=${PAGE}&after=${next}`);
        items.push(...page.items);
        next = page.next_after;
      }
      return items;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
