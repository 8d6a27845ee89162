import { Readable } from 'node:stream';
import {
  createParamDecorator,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** One line of a body, without its end. */
export interface Line {
  /** 1 for the first, empty lines counted. */
  readonly number: number;
  /** Null where it is longer than the limit. */
  readonly text: string | null;
}

/** A body that is read as it comes. */
export interface LinesBody {
  readonly format: 'csv' | 'ndjson';
  readonly stream: Readable;
}

export interface LineLimits {
  readonly bytesMax: number;
  readonly lineCharactersMax: number;
}

/** The body of a route that `takesLines`. */
export const Lines = createParamDecorator((_: unknown, context: ExecutionContext): LinesBody => {
  const { body, headers } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!(body instanceof Readable)) {
    const detail = 'send text/csv or application/x-ndjson with a content-type header';
    throw new UnsupportedMediaTypeException({ code: 'UNSUPPORTED_MEDIA_TYPE', detail });
  }
  return { format: headers['content-type']?.startsWith('text/csv') === true ? 'csv' : 'ndjson', stream: body };
});

/**
 * The lines of a stream, no more of it in memory than one chunk and one line. Whoever stops early leaves the rest of the
 * stream to be thrown away, so that the request can still be answered.
 *
 * @throws PayloadTooLargeException once more than `bytesMax` bytes have come; the error of a stream that breaks off
 */
export async function* readLines(stream: Readable, limits: LineLimits): AsyncGenerator<Line, void> {
  const decoder = new TextDecoder();
  let [bytes, number, rest] = [0, 0, ''];
  const toLine = (text: string): Line => {
    number += 1;
    return { number, text: text.length > limits.lineCharactersMax ? null : text.replace(/\r$/, '') };
  };
  try {
    // A destroyed request could not be answered any more.
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > limits.bytesMax) throw tooLarge(number, limits);
      const parts = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n');
      // Long enough to be told as too long, and no longer.
      rest = (parts.pop() ?? '').slice(0, limits.lineCharactersMax + 1);
      for (const part of parts) yield toLine(part);
    }
    rest += decoder.decode();
    if (rest !== '') yield toLine(rest);
  } finally {
    stream.resume();
  }
}

function tooLarge(linesRead: number, { bytesMax }: LineLimits): PayloadTooLargeException {
  const detail = `the body is larger than ${bytesMax} bytes; at most the first ${linesRead} lines took effect`;
  return new PayloadTooLargeException({ code: 'BODY_TOO_LARGE', detail });
}
