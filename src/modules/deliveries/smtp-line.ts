import type { Readable } from 'node:stream';
import SMTPConnection, {
  type SMTPConnectionAuth,
  type SMTPConnectionOptions,
  type SMTPEnvelope,
} from 'nodemailer/lib/smtp-connection';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { TimedContent } from './timed-content.js';

export interface LineOptions extends SMTPConnectionOptions {
  /** Null of a server that asks for no login. */
  readonly login: SMTPConnectionAuth | null;
}

export type Handover =
  | { readonly kind: 'taken' }
  /** No byte of the content was handed over, and none will be. */
  | { readonly kind: 'late' }
  | { readonly kind: 'failed'; readonly error: Error; readonly hasBegun: boolean };

const CHECK_MS_MAX = 2_000;
/** A server may hang up on an idle line at any time; what was used a moment ago is taken for alive. */
const TRUSTED_IDLE_MS_MAX = 1_000;

/** One session with a mail server: greeted, logged in, and good for one message after the other. */
export class SmtpLine {
  private readonly lost: Promise<false>;
  private isOpen = true;
  private needsReset = false;
  private lastUse = new Stopwatch();
  /** Messages that were begun, taken or not. */
  messages = 0;

  private constructor(private readonly connection: SMTPConnection) {
    // Whoever waits for an answer is told what went wrong; with nobody waiting it matters only that the line is gone.
    connection.on('error', () => undefined);
    this.lost = new Promise((resolve) =>
      connection.once('end', () => {
        this.isOpen = false;
        resolve(false);
      }),
    );
  }

  /** @throws Error of the mail library, after its time-outs at the latest */
  static async open({ login, ...options }: LineOptions): Promise<SmtpLine> {
    const connection = new SMTPConnection(options);
    const line = new SmtpLine(connection);
    try {
      await settled(connection, (done) => connection.connect(done));
      if (login !== null && connection.allowsAuth) await settled(connection, (done) => connection.login(login, done));
      return line;
    } catch (error) {
      line.close();
      throw error;
    }
  }

  /** Whether the server is there for one more message; asks it where that is in doubt. */
  async isReady(): Promise<boolean> {
    if (!this.isOpen) return false;
    if (!this.needsReset && this.lastUse.elapsedMs() <= TRUSTED_IDLE_MS_MAX) return true;
    const isReset = await this.reset();
    if (isReset) this.needsReset = false;
    else this.close();
    return isReset;
  }

  /**
   * Hands one message over. Envelope and DATA go ahead of the content. If the server has not asked for the content in time
   * the line is cut: a transaction whose content did not come to its end is void (RFC 5321 section 4.1.1.10), and of this
   * one not even the beginning came.
   */
  async send(envelope: SMTPEnvelope, content: Readable, startWithinMs: number): Promise<Handover> {
    this.messages += 1;
    const message = new TimedContent(content, startWithinMs);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => {
      timer = setTimeout(() => message.giveUp() && resolve(), startWithinMs);
    });
    const answered = settled(this.connection, (done) => this.connection.send(envelope, message.stream, done));
    try {
      await Promise.race([answered, tooLate]);
      return message.isLate ? this.cut() : { kind: 'taken' };
    } catch (error) {
      return message.isLate ? this.cut() : this.fail(error as Error, message.hasBegun);
    } finally {
      clearTimeout(timer);
      message.drop();
      this.lastUse = new Stopwatch();
    }
  }

  /** Says goodbye. */
  quit(): void {
    if (this.isOpen) this.connection.quit();
    this.isOpen = false;
  }

  close(): void {
    this.isOpen = false;
    this.connection.close();
  }

  private cut(): Handover {
    this.close();
    return { kind: 'late' };
  }

  private fail(error: Error & { code?: string; responseCode?: number }, hasBegun: boolean): Handover {
    // The server refused this message and nothing else: the session goes on.
    this.needsReset = (error.code === 'EENVELOPE' || error.code === 'EMESSAGE') && error.responseCode !== 421;
    if (!this.needsReset) this.close();
    return { kind: 'failed', error, hasBegun };
  }

  private async reset(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), CHECK_MS_MAX);
    });
    const answer = new Promise<boolean>((resolve) => this.connection.reset((error) => resolve(error === null)));
    const isReset = await Promise.race([answer, silence, this.lost]);
    clearTimeout(timer);
    return isReset;
  }
}

/** The library answers by callback, by an error event or, when the server hangs up, by the end of the connection. */
function settled(connection: SMTPConnection, act: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(Object.assign(new Error('the connection ended'), { code: 'ECONNECTION' }));
    // Behind the library's own listeners: of a broken connection it tells the reason right after its end.
    const ended = (): void => void setImmediate(end);
    connection.once('error', reject);
    connection.once('end', ended);
    act((error) => {
      connection.off('error', reject);
      connection.off('end', ended);
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}
