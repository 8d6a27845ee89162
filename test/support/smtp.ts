import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

export interface TestSmtp {
  readonly url: string;
  /** Messages that the server took, in order. */
  readonly taken: { readonly to: string; readonly raw: string; readonly at: number }[];
  mailsTo(address: string): Promise<Email[]>;
  /** Whether a message to the address is being handed over. */
  isServing(address: string): boolean;
  stop(): Promise<void>;
}

const CLIENT_GONE = new Set(['ECONNRESET', 'EPIPE']);

const refusal = (responseCode: number, text = 'as asked for'): Error =>
  Object.assign(new Error(text), { responseCode });

/**
 * A real SMTP server that behaves as the local part of the recipient says: `refused…` 550 (`refused-blocked…` with 5.7.1,
 * `refused-full…` 552 5.2.2) and `later…` 451 at RCPT,
 * `spam…` 554 after the message, `taken-then-cut…` takes the message and breaks the connection without an answer.
 */
export async function startSmtp({ greetsAfterMs = 0 } = {}): Promise<TestSmtp> {
  const taken: { to: string; raw: string; at: number }[] = [];
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const sockets = new Set<{ destroy(): void }>();
  const serving = new Map<string, string>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onClose: ({ id }) => void serving.delete(id),
    onConnect: (_session, done) => void setTimeout(done, greetsAfterMs),
    onRcptTo(recipient, session, done) {
      serving.set(session.id, recipient.address);
      if (recipient.address.startsWith('refused-blocked')) return done(refusal(550, '5.7.1 your host is blocked'));
      if (recipient.address.startsWith('refused-full')) return done(refusal(552, '5.2.2 the mailbox is full'));
      if (recipient.address.startsWith('refused')) return done(refusal(550));
      if (recipient.address.startsWith('later')) return done(refusal(451));
      done();
    },
    onData(stream, session, done) {
      // A client that goes away in the middle of a message has sent none.
      const whole = text(stream).catch(() => null);
      void whole.then((raw) => {
        if (raw === null) return;
        const to = session.envelope.rcptTo[0]?.address ?? '';
        if (to.startsWith('spam')) return done(refusal(554));
        taken.push({ to, raw, at: Date.now() });
        if (to.startsWith('taken-then-cut')) return cut();
        done();
      });
    },
  });
  server.server.on('connection', (socket: { destroy(): void; once(event: 'close', done: () => void): void }) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // A client that is killed resets its connection: that is no fault of the server's.
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (!CLIENT_GONE.has(error.code ?? '')) throw error;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    taken,
    mailsTo: (address) => Promise.all(taken.filter(({ to }) => to === address).map(({ raw }) => PostalMime.parse(raw))),
    isServing: (address) => [...serving.values()].includes(address),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
