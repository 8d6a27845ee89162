import { randomBytes, sign, type KeyObject } from 'node:crypto';

// Distinguished encoding rules (X.690), as far as a certificate (RFC 5280) needs them.
const SEQUENCE = 0x30;
const SET = 0x31;
const SHA256_WITH_RSA = '2a864886f70d01010b';
const COMMON_NAME = '550403';
const SUBJECT_ALT_NAME = '551d11';
const CONTEXT_0 = 0xa0;
const CONTEXT_3 = 0xa3;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const LOCALHOST_V4 = [127, 0, 0, 1];

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));
const time = (atMs: number): Buffer =>
  der(0x18, Buffer.from(`${new Date(atMs).toISOString().replace(/\D/g, '').slice(0, 14)}Z`));

const YEAR_MS = 365 * 86_400_000;

/**
 * A certificate for 127.0.0.1 and localhost, signed by its own RSA key, good for a year; as PEM.
 * Nobody but who is told to should trust it.
 */
export function selfSignedCertificate(
  keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  name: string,
  nowMs: number,
): string {
  const algorithm = der(SEQUENCE, oid(SHA256_WITH_RSA), der(0x05));
  const subject = der(SEQUENCE, der(SET, der(SEQUENCE, oid(COMMON_NAME), utf8(name))));
  const names = der(SEQUENCE, der(DNS_NAME, Buffer.from('localhost')), der(IP_ADDRESS, Buffer.from(LOCALHOST_V4)));
  const toSign = der(
    SEQUENCE,
    der(CONTEXT_0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    subject,
    der(SEQUENCE, time(nowMs - 60_000), time(nowMs + YEAR_MS)),
    subject,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(CONTEXT_3, der(SEQUENCE, der(SEQUENCE, oid(SUBJECT_ALT_NAME), der(0x04, names)))),
  );
  const signature = sign('sha256', toSign, keys.privateKey);
  const whole = der(SEQUENCE, toSign, algorithm, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
