import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

/**
 * A real mail server that takes everything, and notes it as soon as it has all of it.
 *
 * @param answerMs how long it then takes to say so: a client that dies meanwhile cannot know
 */
export async function startMailServer(answerMs) {
  const taken = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, done) {
      // A client that goes away in the middle of a message has sent none.
      void text(stream).then(
        (raw) => {
          const [, subject = ''] = /^subject: (.*?)\r?$/im.exec(raw) ?? [];
          taken.push({ user: session.envelope.rcptTo[0].address.split('@')[0], template: subject });
          setTimeout(done, answerMs());
        },
        () => undefined,
      );
    },
  });
  // A client that is killed resets its connection: that is no fault of the server's.
  server.on('error', () => undefined);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `smtp://127.0.0.1:${server.server.address().port}`,
    taken,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}
