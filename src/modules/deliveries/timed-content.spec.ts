import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Stopwatch } from '../../platform/clock/stopwatch.js';
import { TimedContent } from './timed-content.js';

const LONG_MS = 60_000;
/** More than a busy machine takes to come to the first piece. */
const SOME_MS = 1_000;

/** A process that stands still: no timer runs meanwhile. */
function standStill(ms: number): void {
  for (const since = new Stopwatch(); since.elapsedMs() <= ms;);
}

describe('content that must begin to leave in time', () => {
  it('leaves whole when it is asked for in time', async () => {
    const content = new TimedContent(Readable.from(['one ', 'two']), LONG_MS);
    expect(await text(content.stream)).toBe('one two');
    expect(content).toMatchObject({ hasBegun: true, isLate: false });
  });

  it('is not fetched before it is asked for', async () => {
    let fetched = 0;
    const pieces = function* (): Generator<string> {
      fetched += 1;
      yield 'one';
    };
    const content = new TimedContent(Readable.from(pieces()), LONG_MS);
    await new Promise(setImmediate);
    expect({ fetched, hasBegun: content.hasBegun }).toEqual({ fetched: 0, hasBegun: false });
    expect(await text(content.stream)).toBe('one');
  });

  it('does not leave when it is asked for too late, also where no timer could say so', async () => {
    const content = new TimedContent(Readable.from(['one']), 1);
    standStill(1);
    const pieces: unknown[] = [];
    content.stream.on('data', (piece) => pieces.push(piece));
    await expect(new Promise((_, reject) => content.stream.once('error', reject))).rejects.toThrow('too late');
    expect(pieces).toEqual([]);
    expect(content).toMatchObject({ hasBegun: false, isLate: true });
  });

  it('does not leave once it was given up', async () => {
    const content = new TimedContent(Readable.from(['one']), LONG_MS);
    expect(content.giveUp()).toBe(true);
    await expect(text(content.stream)).rejects.toThrow('too late');
    expect(content).toMatchObject({ hasBegun: false, isLate: true });
  });

  it('cannot be given up, nor end for want of time, once a part of it has left', async () => {
    const pieces = function* (): Generator<string> {
      yield 'one ';
      standStill(SOME_MS);
      yield 'two';
    };
    const content = new TimedContent(Readable.from(pieces()), SOME_MS);
    content.stream.once('data', () => expect(content.giveUp()).toBe(false));
    expect(await text(content.stream)).toBe('one two');
    expect(content).toMatchObject({ hasBegun: true, isLate: false });
  });
});
