// Makes requests from a process of its own, over plain sockets: at a fixed rate, whatever the answers do (latency counts
// from the instant at which a request was due), or as fast as the answers come.
import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const WARM_SHARE = 0.2;

process.on('message', async ({ kind, ...job }) => {
  process.send(await { atRate, closed }[kind](job));
});
process.once('disconnect', () => process.exit());

/** `rate` requests a second for `seconds`, over at most `connections` at once; the rest waits, and its wait counts. */
async function atRate({ rate, seconds, connections, ...target }) {
  const pool = await openAll(target, connections);
  const idle = [...pool];
  const due = [];
  const figures = newFigures();
  const count = Math.round(rate * seconds);
  const startedAt = performance.now();
  let sent = 0;
  let done = 0;
  await new Promise((resolve) => {
    const pump = () => {
      while (due.length > 0 && idle.length > 0) {
        const dueAt = due.shift();
        const connection = idle.pop();
        connection.send(target.bodyOf(), (status) => {
          idle.push(connection);
          done += 1;
          const isWarm = dueAt - startedAt > WARM_SHARE * seconds * 1_000;
          note(figures, status, isWarm ? performance.now() - dueAt : null);
          if (done === count) {
            clearInterval(timer);
            resolve();
          } else pump();
        });
      }
    };
    const timer = setInterval(() => {
      const now = performance.now() - startedAt;
      for (; sent < count && (sent * 1_000) / rate <= now; sent += 1) due.push(startedAt + (sent * 1_000) / rate);
      pump();
    }, 1);
  });
  return finish(pool, figures, (performance.now() - startedAt) / 1_000);
}

/** `connections` callers, each asking again as soon as it is answered, for so long or so many requests. */
async function closed({ seconds = Infinity, requests = Infinity, connections, ...target }) {
  const pool = await openAll(target, connections);
  const figures = newFigures();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  let sent = 0;
  await Promise.all(
    pool.map(
      (connection) =>
        new Promise((resolve) => {
          const ask = () => {
            const sentAt = performance.now();
            if (sentAt >= endsAt || sent >= requests) return resolve();
            sent += 1;
            connection.send(target.bodyOf(), (status) => {
              note(figures, status, performance.now() - sentAt);
              ask();
            });
          };
          ask();
        }),
    ),
  );
  return finish(pool, figures, (performance.now() - startedAt) / 1_000);
}

const newFigures = () => ({ latencies: [], answered: 0, failed: 0, statuses: {} });

function note(figures, status, latency) {
  figures.answered += 1;
  figures.statuses[status] = (figures.statuses[status] ?? 0) + 1;
  if (status !== 201) figures.failed += 1;
  if (latency !== null) figures.latencies.push(latency);
}

function finish(pool, { latencies, ...figures }, seconds) {
  for (const { close } of pool) close();
  latencies.sort((left, right) => left - right);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))];
  return { ...figures, seconds, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: latencies.at(-1) };
}

async function openAll(target, count) {
  target.bodyOf = bodiesOf(target);
  return Promise.all(Array.from({ length: count }, () => open(target)));
}

/** Users at random, but the same ones in every run. */
function bodiesOf({ users, seed }) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const n = 1 + (state % users);
    return `{"user_id":"01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}"}`;
  };
}

function open({ port, path, headers = {} }) {
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n${more.join('')}`;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => {
      let onAnswer = null;
      let missing = -1;
      let status = 0;
      let rest = null;
      socket.on('data', (chunk) => {
        if (missing < 0) {
          const data = rest === null ? chunk : Buffer.concat([rest, chunk]);
          const end = data.indexOf(HEAD_END);
          if (end < 0) return void (rest = data);
          const text = data.latin1Slice(0, end);
          status = Number(text.slice(9, 12));
          missing = Number(/content-length: (\d+)/i.exec(text)[1]) - (data.length - end - 4);
          rest = null;
        } else missing -= chunk.length;
        if (missing > 0) return;
        missing = -1;
        onAnswer(status);
      });
      resolve({
        send(body, callback) {
          onAnswer = callback;
          socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`);
        },
        close: () => socket.destroy(),
      });
    });
    socket.once('error', reject);
  });
}
