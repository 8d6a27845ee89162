// Outlives a supervisor that was killed, and ends what it left behind. The supervisor holds our standard input open and
// writes the list of its children to it, one JSON array a line, whenever it changes; the last line counts.
import { createInterface } from 'node:readline';

const END_MS_MAX = 55_000;
const POLL_MS = 50;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {}); // the supervisor decides

let children = [];
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => (children = JSON.parse(line)));
lines.on('close', async () => {
  const stages = [...new Set(children.map(({ stage }) => stage))].sort();
  for (const stage of stages) await end(children.filter((child) => child.stage === stage));
  process.exit(0);
});

async function end(members) {
  for (const { pid, signal } of members) send(pid, signal);
  const deadline = Date.now() + END_MS_MAX;
  while (members.some(({ pid }) => send(pid, 0)) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  for (const { pid } of members) send(pid, 'SIGKILL');
}

/** False if there is no such process any more. */
function send(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
