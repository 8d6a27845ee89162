import { Readable } from 'node:stream';
import { Stopwatch } from '../../platform/clock/stopwatch.js';

/**
 * The bytes of one message, which begin to leave in time or not at all. Who hands them over asks for the first piece only
 * when it goes on the wire: there the time is looked at once more, and from there on the message has begun.
 */
export class TimedContent {
  readonly stream: Readable;
  private readonly since = new Stopwatch();
  private state: 'waiting' | 'begun' | 'late' = 'waiting';

  /** @param startWithinMs by the monotonic clock, from now on */
  constructor(
    private readonly content: Readable,
    private readonly startWithinMs: number,
  ) {
    // Reads nothing ahead: a piece that was fetched early would be one that nobody looks at the time for.
    this.stream = Readable.from(this.pieces(), { objectMode: false });
  }

  /** Whether any byte may have been handed over. */
  get hasBegun(): boolean {
    return this.state === 'begun';
  }

  /** Whether it came too late, so that no byte was and none will be handed over. */
  get isLate(): boolean {
    return this.state === 'late';
  }

  /** Ends the wait for a message that has not begun. @returns whether it is late */
  giveUp(): boolean {
    if (this.state === 'waiting') this.state = 'late';
    return this.isLate;
  }

  /** Lets go of what was not handed over. */
  drop(): void {
    this.stream.destroy();
    this.content.destroy();
  }

  private async *pieces(): AsyncGenerator<unknown> {
    for await (const piece of this.content) {
      if (!this.begin()) throw new Error('too late to begin');
      yield piece;
    }
  }

  private begin(): boolean {
    // A process that stood still wakes here before its timers have run.
    if (this.since.elapsedMs() > this.startWithinMs) this.giveUp();
    if (this.state === 'waiting') this.state = 'begun';
    return this.hasBegun;
  }
}
