import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as later } from 'node:timers/promises';
import type { Answer } from './wire.js';

/** An answer as bytes, for what an HTTP server of good manners would not write. */
export function bytesOf({ status, headers, body }: Answer): Buffer {
  const all = { ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}

/** An answer that no client can read: a status line that is none, or a body that ends in the middle of its JSON. */
export function malformed(answer: Answer, part: 'head' | 'body'): Buffer {
  if (part === 'head') return Buffer.from('HTTP/1.1 two hundred\r\nthis is no header\r\n\r\n');
  const headers = { ...answer.headers, 'content-type': 'application/json' };
  return bytesOf({ ...answer, headers, body: '{"id": "cut off' });
}

/** Writes a few bytes at a time, until all are out or the other side has gone. */
export async function drip(
  socket: Pick<Socket, 'write' | 'destroyed'>,
  bytes: Buffer,
  pace: { readonly bytes: number; readonly every_ms: number },
): Promise<void> {
  for (let from = 0; from < bytes.length && !socket.destroyed; from += pace.bytes) {
    socket.write(bytes.subarray(from, from + pace.bytes));
    await later(pace.every_ms, undefined, { ref: false });
  }
}
