import { createECDH, randomBytes } from 'node:crypto';

/** What a browser tells of its subscription; nobody listens at the endpoint unless one is given. */
export function subscription(endpoint = `https://push.example.com/send/${randomBytes(8).toString('hex')}`) {
  const p256dh = createECDH('prime256v1').generateKeys('base64url');
  return { endpoint, expirationTime: null, keys: { p256dh, auth: randomBytes(16).toString('base64url') } };
}
