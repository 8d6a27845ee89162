import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** What a provider sends. */
export interface SignedCallback {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const SNS_CERTIFICATE_URL =
  'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem';
export const SNS_CERTIFICATE = readFileSync('test/cases/sns/certificate.pem', 'utf8');
export const TOPIC_ARN = 'arn:aws:sns:eu-central-1:123456789012:mail';
const SNS_KEY = readFileSync('test/cases/sns/key.pem', 'utf8');

const sendgridKeys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/** What an account of each kind has to be told, so that the signers below fit it. */
export const SECRETS = {
  sendgrid: {
    settings: {},
    credentials: {
      api_key: 'SG.spec',
      callback_key: sendgridKeys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    },
  },
  twilio: {
    settings: { account_sid: 'AC00000000000000000000000000000001', from: '+12025550100' },
    credentials: { auth_token: '12345' },
  },
  mailgun: {
    settings: { domain: 'mail.example.org' },
    credentials: { api_key: 'key-spec', callback_key: 'mg-signing' },
  },
  ses: {
    settings: { region: 'eu-central-1', topic_arn: TOPIC_ARN },
    credentials: { access_key_id: 'AKIA', secret_access_key: 'secret' },
  },
  postmark: {
    settings: {},
    credentials: { server_token: 'token', callback_user: 'post', callback_password: 'mark:ed' },
  },
  standard_webhooks: {
    settings: {},
    credentials: { callback_secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
  },
} as const;

const JSON_TYPE = { 'content-type': 'application/json' };

/** @param events a text stands for itself */
export function signSendgrid(events: object | string, timestampS: number): SignedCallback {
  const body = Buffer.from(typeof events === 'string' ? events : JSON.stringify(events));
  const signed = Buffer.concat([Buffer.from(String(timestampS)), body]);
  const signature = sign('sha256', signed, { key: sendgridKeys.privateKey, dsaEncoding: 'der' }).toString('base64');
  return {
    headers: {
      ...JSON_TYPE,
      'x-twilio-email-event-webhook-signature': signature,
      'x-twilio-email-event-webhook-timestamp': String(timestampS),
    },
    body,
  };
}

/** @param url as Twilio was given it */
export function signTwilio(url: string, fields: Readonly<Record<string, string>>): SignedCallback {
  const sorted = Object.keys(fields).sort();
  const text = sorted.map((name) => name + (fields[name] ?? '')).join('');
  return {
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      'x-twilio-signature': hmac('sha1', SECRETS.twilio.credentials.auth_token, url + text).toString('base64'),
    },
    body: Buffer.from(new URLSearchParams(fields).toString()),
  };
}

/** @returns the address too: it holds the hash of the body */
export function signTwilioJson(url: string, content: object): SignedCallback & { readonly url: string } {
  const body = Buffer.from(JSON.stringify(content));
  const whole = `${url}${url.includes('?') ? '&' : '?'}bodySHA256=${createHash('sha256').update(body).digest('hex')}`;
  const signature = hmac('sha1', SECRETS.twilio.credentials.auth_token, whole).toString('base64');
  return { headers: { ...JSON_TYPE, 'x-twilio-signature': signature }, body, url: whole };
}

export function signMailgun(data: object, timestampS: number, token: string): SignedCallback {
  const timestamp = String(timestampS);
  const signature = hmac('sha256', SECRETS.mailgun.credentials.callback_key, timestamp + token).toString('hex');
  const body = Buffer.from(JSON.stringify({ signature: { timestamp, token, signature }, 'event-data': data }));
  return { headers: JSON_TYPE, body };
}

export type SnsEnvelope = Readonly<Record<string, string>>;

const SNS_FIELDS = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];

export function signSns(envelope: SnsEnvelope, version: '1' | '2' = '2'): SignedCallback {
  const text = SNS_FIELDS.filter((name) => envelope[name] !== undefined).map((name) => `${name}\n${envelope[name]}\n`);
  const signature = sign(version === '1' ? 'sha1' : 'sha256', Buffer.from(text.join('')), SNS_KEY).toString('base64');
  const signed = { SignatureVersion: version, Signature: signature, SigningCertURL: SNS_CERTIFICATE_URL, ...envelope };
  return { headers: { 'content-type': 'text/plain; charset=UTF-8' }, body: Buffer.from(JSON.stringify(signed)) };
}

/** What SES tells, as SNS passes it on. */
export const notification = (message: object, id: string, at: string, version: '1' | '2' = '2'): SignedCallback =>
  signSns(
    {
      Type: 'Notification',
      MessageId: id,
      TopicArn: TOPIC_ARN,
      Subject: 'Amazon SES Email Event Notification',
      Message: JSON.stringify(message),
      Timestamp: at,
    },
    version,
  );

export function signPostmark(content: object): SignedCallback {
  const { callback_user: user, callback_password: password } = SECRETS.postmark.credentials;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return { headers: { ...JSON_TYPE, authorization }, body: Buffer.from(JSON.stringify(content)) };
}

export function signStandard(content: object, { id, timestampS }: { id: string; timestampS: number }): SignedCallback {
  const body = Buffer.from(JSON.stringify(content));
  const key = Buffer.from(SECRETS.standard_webhooks.credentials.callback_secret.replace('whsec_', ''), 'base64');
  const signature = hmac('sha256', key, Buffer.concat([Buffer.from(`${id}.${timestampS}.`), body])).toString('base64');
  return {
    headers: {
      ...JSON_TYPE,
      'webhook-id': id,
      'webhook-timestamp': String(timestampS),
      'webhook-signature': `v1,${signature}`,
    },
    body,
  };
}

const hmac = (hash: string, key: string | Buffer, content: string | Buffer): Buffer =>
  createHmac(hash, key).update(content).digest();
