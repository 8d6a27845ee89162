import { createHash, createHmac } from 'node:crypto';
import type { WireRequest } from '../wire.js';

const SKEW_MS = 15 * 60_000;

export interface SesKeys {
  readonly region: string;
  readonly access_key_id: string;
  readonly secret_access_key: string;
}

/** Why a request is refused, by the names of AWS; null when its signature (version 4) is right. */
export type SignatureFault =
  | 'MissingAuthenticationTokenException'
  | 'IncompleteSignatureException'
  | 'UnrecognizedClientException'
  | 'InvalidSignatureException'
  | null;

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Checks a request as AWS does: scope, age, signed headers, body. */
export function signatureFault(request: WireRequest, keys: SesKeys, nowMs: number): SignatureFault {
  const { authorization } = request.headers;
  if (authorization === undefined) return 'MissingAuthenticationTokenException';
  const [, access, date, region, service, names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  const at = String(request.headers['x-amz-date'] ?? '');
  if (access === undefined || !/^\d{8}T\d{6}Z$/.test(at) || !names.split(';').includes('host'))
    return 'IncompleteSignatureException';
  if (access !== keys.access_key_id) return 'UnrecognizedClientException';
  const atMs = Date.parse(at.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const isOfNow = Math.abs(nowMs - atMs) <= SKEW_MS && at.startsWith(date ?? '-');
  if (!isOfNow || region !== keys.region || service !== 'ses') return 'InvalidSignatureException';
  const scope = `${date}/${region}/ses/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical(request, names))].join('\n');
  const key = [region, 'ses', 'aws4_request'].reduce(hmac, hmac(`AWS4${keys.secret_access_key}`, date ?? ''));
  return hmac(key, toSign).toString('hex') === signature ? null : 'InvalidSignatureException';
}

function canonical({ method, url, headers, raw }: WireRequest, names: string): string {
  const [path = '', query = ''] = url.split('?');
  // Each segment is encoded once more than on the wire; S3 alone is an exception.
  const twice = path.split('/').map(encode).join('/');
  const parameters = query.split('&').filter(Boolean).sort().join('&');
  const lines = names.split(';').map(
    (name) =>
      `${name}:${String(headers[name] ?? '')
        .trim()
        .replace(/ +/g, ' ')}\n`,
  );
  return [method, twice, parameters, lines.join(''), names, sha256(raw)].join('\n');
}

const encode = (segment: string): string =>
  encodeURIComponent(segment).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
