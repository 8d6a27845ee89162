import type { Server } from 'node:net';
import { createSmtpServer } from './smtp.js';
import { openMessageStore } from './store.js';
import { createWebServer } from './web.js';

export interface MailboxOptions {
  /** 0 takes a free port. */
  readonly smtpPort: number;
  /** 0 takes a free port. */
  readonly httpPort: number;
  readonly dataDir: string;
  /** Default 127.0.0.1; anything else only inside a container. */
  readonly host?: string;
}

export interface Mailbox {
  readonly smtpUrl: string;
  readonly inboxUrl: string;
  stop(): Promise<void>;
}

/**
 * A real mail server with a web inbox, for one machine: it accepts every message, keeps it on disk and shows it. Nothing
 * ever leaves it.
 */
export async function startMailbox({
  smtpPort,
  httpPort,
  dataDir,
  host = '127.0.0.1',
}: MailboxOptions): Promise<Mailbox> {
  const store = openMessageStore(dataDir);
  const smtp = createSmtpServer(store);
  const web = createWebServer(store);
  const smtpBound = await listen(smtp.server, smtpPort, host);
  const httpBound = await listen(web, httpPort, host);
  return {
    smtpUrl: `smtp://${host}:${smtpBound}`,
    inboxUrl: `http://${host}:${httpBound}`,
    async stop() {
      web.closeAllConnections();
      await Promise.all([new Promise<void>((done) => smtp.close(done)), new Promise((done) => web.close(done))]);
    },
  };
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
