import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as later } from 'node:timers/promises';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerSession } from 'smtp-server';
import type { RequestFault } from '../fault-rules.js';
import { drip } from '../raw-answer.js';
import type { Setting } from '../setting.js';
import { keyOf, type Message } from '../wire.js';

const BYTES_MAX = 25 * 1024 * 1024;
const RECIPIENTS_MAX = 100;
const CLOSE_MS_MAX = 500;
const CLIENT_GONE = new Set(['ECONNRESET', 'EPIPE']);

type Done = (error?: Error | null, text?: string) => void;

interface Envelope {
  readonly startedAtMs: number;
  met: { readonly delayMs: number; readonly fault: RequestFault | null };
}

const refusal = (responseCode: number, text: string): Error => Object.assign(new Error(text), { responseCode });

/** A mail server that keeps each message byte for byte. */
export function playSmtp(
  setting: Setting,
  identity: { readonly key: string; readonly certificate: string },
): SMTPServer {
  const { exchange, book, clock } = setting;
  const envelopes = new Map<string, Envelope>();
  const server: SMTPServer = new SMTPServer({
    key: identity.key,
    cert: identity.certificate,
    authOptional: true,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    logger: false,
    size: BYTES_MAX,
    closeTimeout: CLOSE_MS_MAX,
    onClose: ({ id }) => void envelopes.delete(id),
    onAuth(auth, _session, done) {
      const { user, password } = book.now.smtp;
      const isRight = auth.username === user && auth.password === password;
      if (isRight) done(null, { user });
      else done(refusal(535, '5.7.8 Authentication credentials invalid'));
    },
    onMailFrom(_address, session, done) {
      if (book.now.smtp.needs_auth && !session.user) return done(refusal(530, '5.7.0 Authentication required'));
      envelopes.set(session.id, { startedAtMs: clock.now(), met: { delayMs: 0, fault: null } });
      done();
    },
    onRcptTo({ address }, session, done) {
      if (session.envelope.rcptTo.length >= RECIPIENTS_MAX) return done(refusal(452, '4.5.3 too many recipients'));
      const envelope = envelopes.get(session.id);
      // One fault for one message: the first that fires for any of its recipients.
      if (envelope !== undefined && envelope.met.fault === null) envelope.met = exchange.faultFor('smtp', [address]);
      const { fault = null } = envelope?.met ?? {};
      if (fault?.kind !== 'error' || fault.parameters.at !== 'rcpt') return done();
      done(refusal(fault.parameters.status, fault.parameters.body ?? 'told to refuse'));
      if (envelope !== undefined) envelope.met = { delayMs: 0, fault: null };
    },
    onData(stream, session, done) {
      const { startedAtMs, met } = envelopes.get(session.id) ?? {
        startedAtMs: clock.now(),
        met: { delayMs: 0, fault: null },
      };
      const socketOf = (): Socket | undefined => [...server.connections].find(({ id }) => id === session.id)?._socket;
      read(stream)
        .then(async (raw) => {
          if (met.delayMs > 0) await later(met.delayMs, undefined, { ref: false });
          await answer({ fault: met.fault, socketOf, done }, () => {
            const messages = messagesOf(session, raw);
            exchange.accept('smtp', messages, startedAtMs, met.fault?.kind ?? null);
            return messages[0]?.id ?? '';
          });
        })
        .catch((error: Error) => done(error));
    },
  });
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (!CLIENT_GONE.has(error.code ?? '')) process.stderr.write(`smtp: ${error.message}\n`);
  });
  return server;
}

async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes <= BYTES_MAX) chunks.push(chunk); // the rest is read and dropped, else the client never listens
  }
  if (bytes > BYTES_MAX) throw refusal(552, `5.3.4 larger than ${BYTES_MAX} bytes`);
  return Buffer.concat(chunks);
}

/** Answers the end of a message as the fault wants it; `accept` writes the message down. */
async function answer(
  to: { readonly fault: RequestFault | null; readonly socketOf: () => Socket | undefined; readonly done: Done },
  accept: () => string,
): Promise<void> {
  const { fault, socketOf, done } = to;
  switch (fault?.kind) {
    case undefined:
      return done(null, `queued as ${accept()}`);
    case 'timeout_before':
      return;
    case 'timeout_after':
      return void accept();
    case 'reset_before':
      return void socketOf()?.resetAndDestroy();
    case 'reset_after':
      accept();
      return void socketOf()?.resetAndDestroy();
    case 'error':
      return done(refusal(fault.parameters.status, fault.parameters.body ?? 'told to refuse'));
    case 'rate_limited':
      return done(refusal(451, `4.7.0 too many messages, again in ${fault.parameters.retry_after_s} s`));
    case 'malformed':
      accept();
      return void socketOf()?.write('this is no reply\r\n');
    case 'slow_drip': {
      const id = accept();
      const socket = socketOf();
      // A first line that says that more follows, a few bytes at a time; the last line ends it.
      if (socket !== undefined) await drip(socket, Buffer.from('250-taken\r\n'), fault.parameters);
      return done(null, `queued as ${id}`);
    }
  }
}

function messagesOf(session: SMTPServerSession, raw: Buffer): readonly Message[] {
  const { mailFrom, rcptTo } = session.envelope;
  const id = randomUUID();
  const custom = headersOf(raw);
  const body = {
    from: mailFrom === false ? '' : mailFrom.address,
    raw_base64: raw.toString('base64'),
    is_secure: session.secure,
    user: session.user ?? null,
  };
  return rcptTo.map(({ address }) => ({ id, recipient: address, key: keyOf(custom), custom, body }));
}

/** Message-ID and the X- headers, by names such as `message_id` and `delivery_id` (of X-Delivery-Id). */
function headersOf(raw: Buffer): Readonly<Record<string, string>> {
  const [head = ''] = raw.toString('latin1').split('\r\n\r\n', 1);
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name = '', value = ''] = /^(?:x-)?([^:]+):\s*(.*)$/i.exec(line) ?? [];
      return /^(x-|message-id:)/i.test(line) ? [[name.toLowerCase().replaceAll('-', '_'), value]] : [];
    }),
  );
}
