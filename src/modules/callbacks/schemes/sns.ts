import { verify, X509Certificate } from 'node:crypto';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { fieldsOf, jsonOf, type Fields } from './fields.js';
import { bytesOfBase64, NOT_SIGNED, OK, refused, WRONG, type Verdict } from './scheme.js';

const HOST = /^sns\.[a-z]{2}(-[a-z]+){1,3}-\d{1,2}\.amazonaws\.com(\.cn)?$/;
const CERTIFICATE_PATH = /^\/SimpleNotificationService-[A-Za-z0-9]+\.pem$/;
const HASHES: ReadonlyMap<unknown, string> = new Map([
  ['1', 'sha1'],
  ['2', 'sha256'],
]);

const CONFIRMATION = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
/** What is signed of each type, in this order; `Subject` only where there is one. */
const SIGNED: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['Notification', ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']],
  ['SubscriptionConfirmation', CONFIRMATION],
  ['UnsubscribeConfirmation', CONFIRMATION],
]);

/**
 * Gets a certificate in PEM.
 *
 * @throws Error when it cannot be had now
 */
export type FetchCertificate = (url: string) => Promise<string>;

/**
 * Whether a message of Amazon SNS is signed by Amazon, and of this topic: RSA over names and values line by line, SHA-1 in
 * version 1 and SHA-256 in version 2 (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html).
 *
 * @throws Error when the certificate cannot be had now
 */
export async function verifySns(
  body: Buffer,
  expected: {
    readonly topicArn: string | undefined;
    readonly standIn: string | null;
    readonly fetchCertificate: FetchCertificate;
    readonly now: InstantMs;
  },
): Promise<Verdict> {
  const message = messageOf(body);
  const [signature, hash, certificateUrl] = [
    message['Signature'],
    HASHES.get(message['SignatureVersion']),
    message['SigningCertURL'],
  ];
  const text = signedText(message);
  if (typeof signature !== 'string' || hash === undefined || text === null) return NOT_SIGNED;
  if (expected.topicArn === undefined) return refused('the account has no topic_arn');
  if (message['TopicArn'] !== expected.topicArn) return refused('the message is of another topic');
  if (!isCertificateUrl(certificateUrl, expected.standIn)) return refused('the certificate is not one of Amazon SNS');
  const certificate = new X509Certificate(await expected.fetchCertificate(certificateUrl));
  const isInForce =
    certificate.validFromDate.getTime() <= expected.now && expected.now <= certificate.validToDate.getTime();
  if (!isInForce || certificate.publicKey.asymmetricKeyType !== 'rsa')
    return refused('the certificate is not in force');
  const bytes = bytesOfBase64(signature);
  return bytes !== null && verify(hash, Buffer.from(text), certificate.publicKey, bytes) ? OK : WRONG;
}

/**
 * Whether an address is one of Amazon SNS itself: https, its exact host, the usual port, nobody's name in it.
 *
 * @param standIn the origin of whoever stands in for Amazon; null: nobody does
 */
export function isSnsUrl(text: unknown, standIn: string | null): text is string {
  const url = typeof text === 'string' ? URL.parse(text) : null;
  if (url === null || url.username !== '' || url.password !== '') return false;
  if (url.origin === standIn) return true;
  return url.protocol === 'https:' && HOST.test(url.hostname) && url.port === '';
}

function isCertificateUrl(text: unknown, standIn: string | null): text is string {
  if (!isSnsUrl(text, standIn)) return false;
  const url = new URL(text);
  return url.origin === standIn || (CERTIFICATE_PATH.test(url.pathname) && url.search === '');
}

function messageOf(body: Buffer): Fields {
  try {
    return fieldsOf(jsonOf(body));
  } catch {
    // What cannot be read is not signed either.
    return {};
  }
}

/** Null where a part is missing. */
function signedText(message: Fields): string | null {
  const names = (SIGNED.get(message['Type']) ?? []).filter((name) => name !== 'Subject' || message[name] !== undefined);
  const parts = names.map((name) => message[name]);
  if (names.length === 0 || !parts.every((part) => typeof part === 'string')) return null;
  return names.map((name, index) => `${name}\n${parts[index]}\n`).join('');
}
