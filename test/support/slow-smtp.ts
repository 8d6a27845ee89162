import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as later } from 'node:timers/promises';

/** How long the server takes before it says each of these, in milliseconds. */
export interface SlowAnswers {
  greetingMs: number;
  rcptMs: number;
  /** The 354 by which it asks for the content. */
  dataMs: number;
  /** The answer to the whole message. */
  endMs: number;
}

export interface SlowSmtp {
  readonly url: string;
  /** May be changed at any time. */
  readonly slow: SlowAnswers;
  /** So many messages on one connection: at the next one the server hangs up without a word. */
  messagesPerConnection: number;
  readonly connections: number;
  /** Every command of every client, in order of arrival. */
  readonly commands: readonly string[];
  /** Every line of content that any client handed over, of whole messages and of others. */
  readonly content: readonly string[];
  /** How many messages were taken whole. */
  readonly taken: number;
  stop(): Promise<void>;
}

const FAST: SlowAnswers = { greetingMs: 0, rcptMs: 0, dataMs: 0, endMs: 0 };

/** An SMTP server that takes its time at a chosen place, byte for byte: it waits before the 354 too. */
export async function startSlowSmtp({ isPipelining = true } = {}): Promise<SlowSmtp> {
  const commands: string[] = [];
  const content: string[] = [];
  const slow = { ...FAST };
  const state = { messagesPerConnection: Infinity, connections: 0, taken: 0 };
  const sockets = new Set<Socket>();

  async function serve(socket: Socket): Promise<void> {
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const say = async (text: string, afterMs = 0): Promise<void> => {
      await later(afterMs, undefined, { ref: false });
      socket.write(`${text}\r\n`);
    };
    let messages = 0;
    await say('220 slow.example ESMTP', slow.greetingMs);
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      commands.push(line.value);
      const [verb = ''] = line.value.split(/[ :]/);
      if (verb === 'MAIL' && messages >= state.messagesPerConnection) return void socket.destroy();
      if (verb === 'EHLO') await say(isPipelining ? '250-slow.example\r\n250 PIPELINING' : '250 slow.example');
      else if (verb === 'RCPT') await say('250 ok', slow.rcptMs);
      else if (verb === 'DATA') {
        await say('354 go on', slow.dataMs);
        if (!(await takeContent(lines))) return;
        messages += 1;
        state.taken += 1;
        await say('250 taken', slow.endMs);
      } else await say('250 ok');
    }
  }

  /** @returns whether the message came to its end */
  async function takeContent(lines: AsyncIterator<string>): Promise<boolean> {
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      if (line.value === '.') return true;
      content.push(line.value);
    }
    return false;
  }

  const server = createServer((socket) => {
    state.connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A client may hang up at any time; what it left behind is looked at all the same.
    socket.on('error', () => undefined);
    void serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    url: `smtp://127.0.0.1:${port}`,
    slow,
    commands,
    content,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
}
