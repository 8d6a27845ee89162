import { Readable } from 'node:stream';
import fc from 'fast-check';

import { readLines, type Line } from './lines.js';

const LIMITS = { bytesMax: 1_000, lineCharactersMax: 10 };

async function linesOf(chunks: readonly (string | Uint8Array)[], limits = LIMITS): Promise<Line[]> {
  return collect(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), limits);
}
async function collect(stream: Readable, limits = LIMITS): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of readLines(stream, limits)) lines.push(line);
  return lines;
}
const texts = async (...chunks: readonly (string | Uint8Array)[]) => (await linesOf(chunks)).map(({ text }) => text);

describe('readLines', () => {
  it.each<[string, readonly string[], readonly (string | null)[]]>([
    ['nothing', [], []],
    ['no end on the last line', ['a\nb'], ['a', 'b']],
    ['an end on the last line', ['a\nb\n'], ['a', 'b']],
    ['the ends of Windows, cut in two', ['a\r', '\nb\r\n'], ['a', 'b']],
    ['empty lines', ['\n\na'], ['', '', 'a']],
    ['a byte order mark', ['\ufeffa\n'], ['a']],
    ['a line of the limit', ['0123456789\n'], ['0123456789']],
    ['a line beyond the limit, and the next', ['0123456789', 'x', 'y\nb'], [null, 'b']],
  ])('%s', async (_name, chunks, expected) => {
    expect(await texts(...chunks)).toEqual(expected);
  });

  it('counts lines from 1', async () => {
    expect(await linesOf(['\na'])).toEqual([
      { number: 1, text: '' },
      { number: 2, text: 'a' },
    ]);
  });

  it('gives the same lines wherever the chunks end, within a character too', async () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' '), maxLength: 5 });
    const input = fc.tuple(fc.array(line, { minLength: 1 }), fc.array(fc.nat(40)));
    await fc.assert(
      fc.asyncProperty(input, async ([lines, cuts]) => {
        const bytes = Buffer.from(`${lines.join('\n')}\n`);
        const places = [0, ...cuts.sort((left, right) => left - right), bytes.length];
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(await texts(...chunks)).toEqual(lines);
      }),
    );
  });

  it('stops at the limit of the whole, and tells how far it came', async () => {
    const read: Line[] = [];
    const source = Readable.from(['a\nb\n', 'c\n'].map((chunk) => Buffer.from(chunk)));
    const reading = async () => {
      for await (const line of readLines(source, { ...LIMITS, bytesMax: 5 })) read.push(line);
    };
    await expect(reading()).rejects.toMatchObject({
      status: 413,
      response: { detail: expect.stringMatching(/larger than 5 bytes.* first 2 lines/) as string },
    });
    expect(read).toHaveLength(2);
  });

  it('holds no more than a chunk and a line of what has no line ends', async () => {
    const chunk = Buffer.alloc(65_536, 'a');
    const source = Readable.from(Array.from({ length: 200 }, () => chunk));
    const lines = await collect(source, { ...LIMITS, bytesMax: 1e9 });
    expect(lines).toEqual([{ number: 1, text: null }]);
  });

  it('leaves a stream that is not read to its end to be thrown away, not destroyed', async () => {
    const source = Readable.from(['a\n', 'b\n', 'c\n'].map((chunk) => Buffer.from(chunk)));
    for await (const { text } of readLines(source, LIMITS)) if (text === 'a') break;
    await new Promise((resolve) => source.once('end', resolve));
    expect(source.errored).toBeNull();
  });
});
