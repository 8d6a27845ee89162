import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

/** A new secret to share with one endpoint: `whsec_` and 32 bytes in base64. */
export const makeWebhookSecret = (): string => `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;

/**
 * The headers by which a receiver knows that a message is ours and no old one, after Standard Webhooks
 * (https://www.standardwebhooks.com): the signature is `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; while
 * secrets rotate there is one of each, separated by a space.
 *
 * @param message.timestampS seconds since 1970
 * @param message.secrets `whsec_…`, newest first
 */
export function webhookHeaders(message: {
  readonly id: string;
  readonly timestampS: number;
  readonly body: string;
  readonly secrets: readonly string[];
}): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const { id, timestampS, body, secrets } = message;
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': String(timestampS), 'webhook-signature': signatures.join(' ') };
}
