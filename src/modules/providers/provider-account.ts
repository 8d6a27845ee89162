import type { InstantMs } from '../../core/kernel/instant.js';

/** Whose protocol an account speaks. */
export type ProviderKind =
  'sendgrid' | 'mailgun' | 'ses' | 'postmark' | 'twilio' | 'fcm' | 'webpush' | 'standard_webhooks';

/** The channels on which a provider of each kind can reach people. */
export const CHANNELS_OF_KIND: Readonly<Record<ProviderKind, readonly string[]>> = {
  sendgrid: ['email'],
  mailgun: ['email'],
  ses: ['email'],
  postmark: ['email'],
  twilio: ['sms'],
  fcm: ['push'],
  webpush: ['push'],
  standard_webhooks: ['email', 'sms', 'push', 'webhook'],
};

/**
 * The names of what an account of each kind is told in the open (`settings`) and under seal (`credentials`).
 * What stands in neither list is refused.
 */
export const FIELDS_OF_KIND: Readonly<
  Record<
    ProviderKind,
    {
      readonly settings: Readonly<Record<string, 'required' | 'optional'>>;
      readonly credentials: Readonly<Record<string, 'required' | 'optional'>>;
    }
  >
> = {
  sendgrid: {
    settings: { base_url: 'optional' },
    // callback_key: the public key of the event webhook, base64 of its SubjectPublicKeyInfo.
    credentials: { api_key: 'required', callback_key: 'optional' },
  },
  mailgun: {
    settings: { base_url: 'optional', domain: 'required' },
    credentials: { api_key: 'required', callback_key: 'optional' },
  },
  ses: {
    settings: { base_url: 'optional', region: 'required', topic_arn: 'optional', configuration_set: 'optional' },
    credentials: { access_key_id: 'required', secret_access_key: 'required' },
  },
  postmark: {
    settings: { base_url: 'optional' },
    credentials: { server_token: 'required', callback_user: 'optional', callback_password: 'optional' },
  },
  twilio: {
    settings: { base_url: 'optional', account_sid: 'required', from: 'required' },
    // Signs callbacks too.
    credentials: { auth_token: 'required' },
  },
  fcm: {
    settings: { base_url: 'optional', token_url: 'optional', project_id: 'required' },
    credentials: { client_email: 'required', private_key: 'required' },
  },
  webpush: {
    settings: { subject: 'required', public_key: 'required' },
    credentials: { private_key: 'required' },
  },
  standard_webhooks: {
    settings: {},
    credentials: { callback_secret: 'required' },
  },
};

/** An account with a provider, as those who send with it and those who take its callbacks need it. */
export interface ProviderAccount {
  readonly id: string;
  /** Stands in the address of its callbacks: `/callbacks/<key>/<path token>`. */
  readonly key: string;
  readonly kind: ProviderKind;
  readonly channel: string;
  /** By the names of `FIELDS_OF_KIND`. */
  readonly settings: Readonly<Record<string, string>>;
  /** Opened; by the names of `FIELDS_OF_KIND`. */
  readonly credentials: Readonly<Record<string, string>>;
  /** An account that is paused sends nothing; its callbacks are taken all the same. */
  readonly state: 'active' | 'paused';
  /** Of the active accounts of a channel the one with the smallest number is asked first, of these the cheapest. */
  readonly priority: number;
  /** Of one message, or of one part of a text, in the money of the workspace; left out or null: nobody said. */
  readonly cost?: number | null;
  /** Messages a second at most; null: as many as come. */
  readonly perSecond: number | null;
  /** Makes the address of its callbacks unguessable. */
  readonly pathToken: string;
  readonly updatedAt: InstantMs;
}
