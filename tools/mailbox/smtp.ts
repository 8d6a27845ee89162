import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import type { MessageStore } from './store.js';

const MESSAGE_BYTES_MAX = 10 * 1024 * 1024;
const RECIPIENTS_MAX = 100;
const CLOSE_MS_MAX = 2000;

/** A mail server that accepts every message for everybody and delivers it into the store. */
export function createSmtpServer(store: MessageStore): SMTPServer {
  return new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    size: MESSAGE_BYTES_MAX,
    closeTimeout: CLOSE_MS_MAX,
    onAuth: (auth, _session, done) => done(null, { user: auth.username }),
    onRcptTo: (_address, session, done) =>
      done(session.envelope.rcptTo.length >= RECIPIENTS_MAX ? refusal(452, 'too many recipients') : null),
    onData: (stream, session, done) => {
      receive(store, stream, session).then(
        (id) => done(null, `kept as ${id}`),
        (error: Error) => done(error),
      );
    },
  });
}

async function receive(store: MessageStore, stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MESSAGE_BYTES_MAX) chunks.push(chunk); // the rest is read and dropped, else the client never listens
  }
  if (bytes > MESSAGE_BYTES_MAX) throw refusal(552, `larger than ${MESSAGE_BYTES_MAX} bytes`);
  const source = Buffer.concat(chunks);
  const { subject, messageId } = await PostalMime.parse(source);
  const { mailFrom, rcptTo } = session.envelope;
  const message = await store.add(
    {
      receivedAt: new Date().toISOString(),
      from: mailFrom === false ? '' : mailFrom.address,
      to: rcptTo.map(({ address }) => address),
      subject: subject ?? '',
      messageId: messageId ?? '',
    },
    source,
  );
  return message.id; // the client hears 250 only now: what it was told is kept, is on disk
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
