import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { z } from 'zod';

const text = z.string().min(1).max(8_000);
const url = z.url().nullable();
const list = z.array(z.string().min(1)).max(1_000_000);

/** What the sandbox goes by, provider by provider. */
export const Accounts = z.strictObject({
  sendgrid: z.strictObject({
    api_key: text,
    /** What the key may do. */
    scopes: list,
    callback_url: url,
    /** Signs the event webhook: PKCS 8, PEM. */
    callback_private_key: text,
    /** Its public half: base64 of the SubjectPublicKeyInfo. */
    callback_public_key: text,
  }),
  twilio: z.strictObject({
    account_sid: z.string().regex(/^AC[0-9a-f]{32}$/),
    auth_token: text,
    status: z.enum(['active', 'suspended', 'closed']),
    /** Where incoming texts go. */
    inbound_url: url,
    /** Who has said STOP. */
    opted_out: list,
  }),
  fcm: z.strictObject({
    project_id: text,
    client_email: text,
    /** Of the service account, PEM; null when only the public key was given. */
    private_key: text.nullable(),
    public_key: text,
    /** Device tokens of apps that were removed. */
    unregistered: list,
  }),
  mailgun: z.strictObject({
    domain: text,
    state: z.enum(['active', 'unverified', 'disabled']),
    api_key: text,
    signing_key: text,
    callback_url: url,
  }),
  postmark: z.strictObject({
    server_token: text,
    callback_url: url,
    callback_user: text,
    callback_password: text,
    /** Recipients that bounced or complained before. */
    inactive: list,
  }),
  ses: z.strictObject({
    region: text,
    access_key_id: text,
    secret_access_key: text,
    sending_enabled: z.boolean(),
    topic_arn: text,
    /** Notifications come when the subscription was confirmed. */
    callback_url: url,
    signature_version: z.enum(['1', '2']),
  }),
  smtp: z.strictObject({ user: text, password: text, needs_auth: z.boolean() }),
  webhooks: z.strictObject({ secret: z.string().startsWith('whsec_'), response: z.unknown() }),
  audiences: z.strictObject({ access_token: text }),
  callbacks: z.strictObject({
    delay_ms: z.number().int().min(0).max(3_600_000),
    retry_time_scale: z.number().min(0).max(1),
  }),
});

export type Accounts = z.infer<typeof Accounts>;

const { shape } = Accounts;

/** Body of `PUT /admin/accounts`: what is left out stays as it is. */
export const AccountsChange = z.strictObject({
  sendgrid: shape.sendgrid.omit({ callback_public_key: true }).partial().optional(),
  twilio: shape.twilio.partial().optional(),
  fcm: shape.fcm.partial().optional(),
  mailgun: shape.mailgun.partial().optional(),
  postmark: shape.postmark.partial().optional(),
  ses: shape.ses.partial().optional(),
  smtp: shape.smtp.partial().optional(),
  webhooks: shape.webhooks.partial().optional(),
  audiences: shape.audiences.partial().optional(),
  callbacks: shape.callbacks.partial().optional(),
});

export type AccountsChange = z.infer<typeof AccountsChange>;

/** The accounts as they are now. */
export class AccountBook {
  private accounts: Accounts = defaults();

  get now(): Accounts {
    return this.accounts;
  }

  change(change: AccountsChange): void {
    const merged = Object.fromEntries(
      Object.entries(this.accounts).map(([name, fields]) => [
        name,
        { ...fields, ...change[name as keyof AccountsChange] },
      ]),
    ) as Accounts;
    const { sendgrid, fcm } = merged;
    this.accounts = Accounts.parse({
      ...merged,
      sendgrid: { ...sendgrid, callback_public_key: publicHalf(sendgrid.callback_private_key) },
      // A public key alone must not stand beside the private half of another.
      fcm:
        change.fcm?.public_key !== undefined && change.fcm.private_key === undefined
          ? { ...fcm, private_key: null }
          : fcm,
    });
  }
}

const publicHalf = (privateKey: string): string =>
  createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');

function defaults(): Accounts {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const sendgridKey = ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    sendgrid: {
      api_key: 'SG.sandbox',
      scopes: ['mail.send'],
      callback_url: null,
      callback_private_key: sendgridKey,
      callback_public_key: publicHalf(sendgridKey),
    },
    twilio: {
      account_sid: `AC${'0'.repeat(32)}`,
      auth_token: 'sandbox',
      status: 'active',
      inbound_url: null,
      opted_out: [],
    },
    fcm: {
      project_id: 'sandbox',
      client_email: 'sandbox@sandbox.iam.gserviceaccount.com',
      private_key: rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      public_key: rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      unregistered: [],
    },
    mailgun: {
      domain: 'sandbox.example',
      state: 'active',
      api_key: 'key-sandbox',
      signing_key: 'sandbox',
      callback_url: null,
    },
    postmark: {
      server_token: 'sandbox',
      callback_url: null,
      callback_user: 'sandbox',
      callback_password: 'sandbox',
      inactive: [],
    },
    ses: {
      region: 'eu-west-1',
      access_key_id: 'AKIASANDBOX',
      secret_access_key: 'sandbox',
      sending_enabled: true,
      topic_arn: 'arn:aws:sns:eu-west-1:000000000000:sandbox',
      callback_url: null,
      signature_version: '2',
    },
    smtp: { user: 'sandbox', password: 'sandbox', needs_auth: false },
    webhooks: { secret: `whsec_${randomBytes(24).toString('base64')}`, response: {} },
    audiences: { access_token: 'sandbox' },
    callbacks: { delay_ms: 5, retry_time_scale: 1 },
  };
}
