import { parseConnectionUrl } from 'nodemailer/lib/shared';
import { SmtpLine, type LineOptions } from './smtp-line.js';

const MESSAGES_PER_LINE_MAX = 100;
const CONNECT_MS_MAX = 5_000;
const SILENCE_MS_MAX = 15_000;
/** Below the 5 minutes for which RFC 5321 section 4.5.3.2.7 asks servers to wait. */
const IDLE_MS_MAX = 240_000;

/** A line to hold for a while, and whether it was open before. */
export interface HeldLine {
  readonly line: SmtpLine;
  readonly isReused: boolean;
}

/** The lines to one mail server that stay open from one message to the next. */
export class SmtpLines {
  private readonly options: LineOptions;
  private readonly idle = new Map<SmtpLine, NodeJS.Timeout>();
  private isClosed = false;

  constructor(url: string) {
    this.options = optionsOf(url);
  }

  /** @throws Error of the mail library when the server cannot be reached, or does not let us in */
  async take(): Promise<HeldLine> {
    if (this.isClosed) throw Object.assign(new Error('shut down'), { code: 'ECONNECTION' });
    const line = this.lastIdle();
    // Where one is dead the others may be too: no time is spent on asking each of them.
    if (line !== undefined && (await line.isReady())) return { line, isReused: true };
    return { line: await SmtpLine.open(this.options), isReused: false };
  }

  /** Takes a line back, whatever state it is in. */
  give(line: SmtpLine): void {
    if (this.isClosed) return line.close();
    if (line.messages >= MESSAGES_PER_LINE_MAX) return line.quit();
    const timer = setTimeout(() => {
      this.idle.delete(line);
      line.quit();
    }, IDLE_MS_MAX);
    this.idle.set(line, timer.unref());
  }

  close(): void {
    this.isClosed = true;
    for (let line = this.lastIdle(); line !== undefined; line = this.lastIdle()) line.close();
  }

  private lastIdle(): SmtpLine | undefined {
    const last = [...this.idle].at(-1);
    if (last === undefined) return undefined;
    const [line, timer] = last;
    clearTimeout(timer);
    this.idle.delete(line);
    return line;
  }
}

function optionsOf(url: string): LineOptions {
  const { auth, authMethod, ...options } = parseConnectionUrl(url);
  return {
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: CONNECT_MS_MAX,
    socketTimeout: SILENCE_MS_MAX,
    ...options,
    login: auth === undefined ? null : { ...auth, method: typeof authMethod === 'string' ? authMethod : false },
  };
}
