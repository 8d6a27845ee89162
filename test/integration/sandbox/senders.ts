import { createHash, createHmac, createSign, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { importPKCS8, SignJWT } from 'jose';
import type { SandboxProcess } from '../../support/sandbox.js';

/** One way of handing a good message over, by the provider's documentation. */
export type Send = (recipient: string, more?: { readonly signal?: AbortSignal }) => Promise<Response>;

const FORM = 'application/x-www-form-urlencoded';

export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** A good SendGrid mail; `change` overrides fields. */
export const sendgridMail = (to: string, change: object = {}): object => ({
  personalizations: [{ to: [{ email: to }] }],
  from: { email: 'shop@example.com' },
  subject: 'Hello',
  content: [
    { type: 'text/plain', value: 'Hello' },
    { type: 'text/html', value: '<p>Hello</p>' },
  ],
  custom_args: { delivery_id: `d-${to}` },
  ...change,
});

export const postSendgrid = (
  { url }: SandboxProcess,
  body: unknown,
  more: RequestInit = {},
  key = 'SG.sandbox',
): Promise<Response> =>
  fetch(`${url}/sendgrid/v3/mail/send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...more,
  });

export const TWILIO_SID = `AC${'0'.repeat(32)}`;
export const twilioPath = `/twilio/2010-04-01/Accounts/${TWILIO_SID}/Messages`;

export const postTwilio = (
  { url }: SandboxProcess,
  fields: Readonly<Record<string, string>>,
  more: RequestInit = {},
  token = 'sandbox',
): Promise<Response> =>
  fetch(`${url}${twilioPath}.json`, {
    method: 'POST',
    headers: { authorization: basic(TWILIO_SID, token), 'content-type': FORM },
    body: new URLSearchParams(fields).toString(),
    ...more,
  });

export const postMailgun = (
  { url }: SandboxProcess,
  fields: Readonly<Record<string, string>>,
  more: RequestInit = {},
  login = basic('api', 'key-sandbox'),
): Promise<Response> =>
  fetch(`${url}/mailgun/v3/sandbox.example/messages`, {
    method: 'POST',
    headers: { authorization: login, 'content-type': FORM },
    body: new URLSearchParams(fields).toString(),
    ...more,
  });

export const mailgunFields = (to: string): Readonly<Record<string, string>> => ({
  from: 'Shop <shop@example.com>',
  to,
  subject: 'Hello',
  text: 'Hello',
  'v:delivery_id': `d-${to}`,
});

export const postPostmark = (
  { url }: SandboxProcess,
  mail: unknown,
  more: RequestInit = {},
  token = 'sandbox',
): Promise<Response> =>
  fetch(`${url}/postmark/email`, {
    method: 'POST',
    headers: { 'x-postmark-server-token': token, 'content-type': 'application/json' },
    body: typeof mail === 'string' ? mail : JSON.stringify(mail),
    ...more,
  });

export const postmarkMail = (to: string): object => ({
  From: 'shop@example.com',
  To: to,
  Subject: 'Hello',
  TextBody: 'Hello',
  Metadata: { delivery_id: `d-${to}` },
});

/** An assertion of the service account, made with jose and not with the sandbox's own code. */
export async function fcmAssertion(sandbox: SandboxProcess, claims: object = {}, pem?: string): Promise<string> {
  const { fcm } = await sandbox.accounts();
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({
    iss: fcm.client_email,
    scope: 'https://www.googleapis.com/auth/firebase.messaging',
    aud: `${sandbox.url}/fcm/token`,
    iat: now,
    exp: now + 3_600,
    ...claims,
  })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .sign(await importPKCS8(pem ?? fcm.private_key ?? '', 'RS256'));
}

export const askFcmToken = ({ url }: SandboxProcess, assertion: string): Promise<Response> =>
  fetch(`${url}/fcm/token`, {
    method: 'POST',
    headers: { 'content-type': FORM },
    body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString(),
  });

export async function fcmToken(sandbox: SandboxProcess): Promise<string> {
  const response = await askFcmToken(sandbox, await fcmAssertion(sandbox));
  const { access_token: token } = (await response.json()) as { access_token: string };
  return token;
}

export const postFcm = (
  { url }: SandboxProcess,
  token: string,
  message: unknown,
  more: RequestInit = {},
): Promise<Response> =>
  fetch(`${url}/fcm/v1/projects/sandbox/messages:send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ message }),
    ...more,
  });

const point = (key: KeyObject): string => {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]).toString(
    'base64url',
  );
};

/** RFC 8292, with jose-free code: header, claims, ES256 over both. */
export function vapid(claims: object, keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })) {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const toSign = `${encode({ typ: 'JWT', alg: 'ES256' })}.${encode(claims)}`;
  const signature = createSign('sha256').update(toSign).sign({ key: keys.privateKey, dsaEncoding: 'ieee-p1363' });
  const key = point(keys.publicKey);
  return { key, header: `vapid t=${toSign}.${signature.toString('base64url')}, k=${key}` };
}

export const vapidClaims = ({ url }: SandboxProcess): object => ({
  aud: url,
  exp: Math.floor(Date.now() / 1_000) + 3_600,
  sub: 'mailto:ops@example.com',
});

const hex = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** AWS Signature Version 4, step by step as its documentation has them. */
export function signedSes(
  { url }: SandboxProcess,
  mail: unknown,
  { access = 'AKIASANDBOX', secret = 'sandbox', atMs = Date.now(), region = 'eu-west-1' } = {},
): { readonly url: string; readonly headers: Record<string, string>; readonly body: string } {
  const body = JSON.stringify(mail);
  const target = new URL(`${url}/ses/v2/email/outbound-emails`);
  const at = `${new Date(atMs).toISOString().replace(/[-:]|\.\d+/g, '')}`;
  const day = at.slice(0, 8);
  const names = 'content-type;host;x-amz-date';
  const canonical = [
    'POST',
    target.pathname,
    '',
    `content-type:application/json\nhost:${target.host}\nx-amz-date:${at}\n`,
    names,
    hex(body),
  ].join('\n');
  const scope = `${day}/${region}/ses/aws4_request`;
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), 'ses'), 'aws4_request');
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${at}\n${scope}\n${hex(canonical)}`).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${access}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { url: target.href, headers: { 'content-type': 'application/json', 'x-amz-date': at, authorization }, body };
}

export const sesMail = (to: string): object => ({
  FromEmailAddress: 'shop@example.com',
  Destination: { ToAddresses: [to] },
  Content: { Simple: { Subject: { Data: 'Hello' }, Body: { Text: { Data: 'Hello' } } } },
  EmailTags: [{ Name: 'delivery_id', Value: `d-${to}` }],
});

export async function postWebhook(sandbox: SandboxProcess, name: string, more: RequestInit = {}): Promise<Response> {
  const { webhooks } = await sandbox.accounts();
  const [id, timestamp, body] = [`msg_${randomUUID()}`, String(Math.floor(Date.now() / 1_000)), '{"test": 2432232314}'];
  const key = Buffer.from(webhooks.secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return fetch(`${sandbox.url}/webhooks/${name}`, {
    method: 'POST',
    headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` },
    body,
    ...more,
  });
}

/** A good message by each HTTP provider. The recipient is an address; phones and tokens are made from it. */
export async function sendersOf(sandbox: SandboxProcess): Promise<Readonly<Record<string, Send>>> {
  const token = await fcmToken(sandbox);
  const pushed = vapid(vapidClaims(sandbox));
  return {
    sendgrid: (to, more) => postSendgrid(sandbox, sendgridMail(to), more),
    twilio: (to, more) => postTwilio(sandbox, { To: phoneOf(to), From: '+15005550006', Body: 'Hello' }, more),
    fcm: (to, more) => postFcm(sandbox, token, { token: to, notification: { title: 'Hello' } }, more),
    mailgun: (to, more) => postMailgun(sandbox, mailgunFields(to), more),
    postmark: (to, more) => postPostmark(sandbox, postmarkMail(to), more),
    ses: async (to, more) => {
      const { url, headers, body } = signedSes(sandbox, sesMail(to));
      return fetch(url, { method: 'POST', headers, body, ...more });
    },
    webpush: async (_to, more) => {
      const { endpoint } = await sandbox.ask<{ endpoint: string }>('POST', '/admin/web-push/subscriptions', {});
      return fetch(endpoint, { method: 'POST', headers: { authorization: pushed.header, ttl: '60' }, ...more });
    },
    webhooks: (to, more) => postWebhook(sandbox, to, more),
  };
}

/** A number that belongs to the address alone. */
export const phoneOf = (address: string): string =>
  `+1${BigInt(`0x${hex(address).slice(0, 12)}`)
    .toString()
    .slice(-10)
    .padStart(10, '5')}`;
