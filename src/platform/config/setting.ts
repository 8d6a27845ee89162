import { createHash, createPrivateKey } from 'node:crypto';
import { z } from 'zod';

/** One environment variable. The reference page, `.env.example` and every error message are made from these fields. */
export interface Setting {
  readonly group: SettingGroup;
  /** Reads the text of the variable; never sees an empty text. */
  readonly schema: z.ZodType;
  /** As it would be written in the environment; null where there is none. */
  readonly default: string | null;
  /** In place of a default that depends on other settings. */
  readonly defaultNote?: string;
  readonly description: string;
  /** Completes "expected …" in an error message. */
  readonly expected: string;
  readonly example: string;
  /** The value never appears in a message or a log. */
  readonly isSecret?: boolean;
}

type SettingGroup = 'process' | 'http' | 'access' | 'database' | 'temporal' | 'email' | 'local';

/** The root secret, or a former one, with the id that tokens carry to name it. */
export interface SecretKey {
  readonly kid: string;
  readonly key: Uint8Array;
}

/** One e-mail address with the name to show for it. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

const PORT_MAX = 65_535;
const SECRET_BYTES_MIN = 32;
const SECRETS_MAX = 10;
const HOST_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/i;
const MAILBOX = /^(?:(?<name>[^<>"\\\p{Cc}]*)<(?<bracketed>[^<>\s]+)>|(?<bare>[^<>\s]+))$/u;
const SECRET = /^(?:(?<kid>[A-Za-z0-9_-]{1,32}):)?(?<text>[A-Za-z0-9+/_-]+={0,2})$/;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

/** Whether a host name or address can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** A whole number, both ends included. Signs, exponents and spaces are refused. */
export function wholeNumber(min: number, max: number): z.ZodType<number> {
  return z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));
}

/** A TCP port; 0 lets the system choose, which only tests want. */
export const port = wholeNumber(0, PORT_MAX);

/** Text that may become a header: no control characters. */
export const line = z.string().regex(/^\P{Cc}{1,500}$/u);

/** A URL without the trailing slash, so that paths can be appended. */
export function url(protocol: RegExp): z.ZodType<string> {
  return z.url({ protocol }).transform((text) => text.replace(/\/+$/, ''));
}

const ORIGINS_MAX = 50;

/** Origins of sites, separated by commas. */
export const origins = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(
    z
      .array(z.url({ protocol: /^https?$/ }).refine((text) => new URL(text).origin === text, 'an origin'))
      .max(ORIGINS_MAX),
  );

/** A domain name with at least one dot. */
export const domain = z.string().regex(HOST_NAME).toLowerCase();

/** `Jane Doe <jane@example.com>` or the bare address. */
export const mailbox = z.string().transform((text, context): Mailbox => {
  const { name = '', bracketed, bare } = MAILBOX.exec(text)?.groups ?? {};
  const address = z.email().safeParse(bracketed ?? bare);
  if (!address.success) context.addIssue('not an address');
  return { name: name.trim(), address: address.data ?? '' };
});

/** `secret` or `kid:secret`; without a kid, the secret's own fingerprint names it. */
export const secretKey = z.string().transform((text, context): SecretKey => parseSecret(text, context));

/** Secret keys, separated by commas. */
export const secretKeys = z.string().transform((text, context): readonly SecretKey[] => {
  const keys = text.split(',').map((part) => parseSecret(part.trim(), context));
  if (keys.length > SECRETS_MAX) context.addIssue('too many keys');
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) context.addIssue('a kid occurs twice');
  return keys;
});

function parseSecret(text: string, context: z.RefinementCtx): SecretKey {
  const { kid, text: encoded = '' } = SECRET.exec(text)?.groups ?? {};
  const isHex = /^([0-9a-f]{2})+$/i.test(encoded);
  const key = Buffer.from(encoded, isHex ? 'hex' : 'base64');
  if (key.length < SECRET_BYTES_MIN) context.addIssue('too short');
  return { kid: kid ?? fingerprint(key), key: new Uint8Array(key) };
}

/** Names a key without telling anything of use about it: 32 bits of its hash. */
function fingerprint(key: Uint8Array): string {
  return createHash('sha256').update('tactful key id').update(key).digest('hex').slice(0, 8);
}

const SIGNING_BITS_MIN = 2_048;

/** An RSA private key, PKCS #8 in DER, as base64; becomes PEM. */
export const signingKey = z.string().transform((text, context): string => {
  try {
    const key = createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' });
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    if (key.asymmetricKeyType === 'rsa' && modulusLength >= SIGNING_BITS_MIN) {
      return key.export({ format: 'pem', type: 'pkcs8' }).toString();
    }
  } catch {
    // Told below, without the key.
  }
  context.addIssue({ code: 'custom', message: 'no such key' });
  return z.NEVER;
});
