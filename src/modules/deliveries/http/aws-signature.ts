import { createHash, createHmac } from 'node:crypto';
import type { InstantMs } from '../../../core/kernel/instant.js';

const ALGORITHM = 'AWS4-HMAC-SHA256';
const TERMINATOR = 'aws4_request';

interface AwsRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Who signs, and for which service where. */
interface AwsKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service: string;
}

/**
 * The headers of a request with those that sign it: all of them, the host, the query and the body are covered. Of use for
 * some minutes around `now`. Not for S3, which encodes paths once only.
 *
 * Source: Amazon, "Create a signed AWS API request" (Signature Version 4).
 */
export function awsSigned(request: AwsRequest, key: AwsKey, now: InstantMs): Readonly<Record<string, string>> {
  const at = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = at.slice(0, 8);
  const headers = { ...request.headers, 'x-amz-date': at };
  const { names, lines } = canonicalHeaders({ ...headers, host: new URL(request.url).host });
  const scope = [day, key.region, key.service, TERMINATOR].join('/');
  const toSign = [ALGORITHM, at, scope, sha256(canonicalRequest(request, names, lines))].join('\n');
  const signature = [day, key.region, key.service, TERMINATOR, toSign].reduce<Buffer>(
    hmac,
    Buffer.from(`AWS4${key.secretAccessKey}`),
  );
  const credential = `Credential=${key.accessKeyId}/${scope}`;
  const authorization = `${ALGORITHM} ${credential}, SignedHeaders=${names}, Signature=${signature.toString('hex')}`;
  return { ...headers, authorization };
}

function canonicalRequest({ method, url, body }: AwsRequest, names: string, lines: string): string {
  const { pathname, searchParams } = new URL(url);
  // What stands in a path is encoded already; the canonical form encodes it once more.
  const path = pathname.split('/').map(encode).join('/');
  const query = [...searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return [method, path, query.sort().join('&'), lines, names, sha256(body)].join('\n');
}

function canonicalHeaders(headers: Readonly<Record<string, string>>): { names: string; lines: string } {
  const sorted = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/ +/g, ' ')] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  const lines = sorted.map(([name, value]) => `${name}:${value}\n`).join('');
  return { names: sorted.map(([name]) => name).join(';'), lines };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** RFC 3986: all but letters, digits and `-._~`. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
