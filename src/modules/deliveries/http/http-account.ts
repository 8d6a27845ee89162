import { assert } from '../../../core/kernel/assert.js';
import type { ProviderAccount, ProviderKind } from '../../providers/index.js';
import { basic } from './http-protocol.js';

type OfKind<Value> = Partial<Readonly<Record<ProviderKind, Value>>>;

const BASE_URLS: OfKind<(settings: ProviderAccount['settings']) => string> = {
  sendgrid: () => 'https://api.sendgrid.com',
  mailgun: () => 'https://api.mailgun.net',
  postmark: () => 'https://api.postmarkapp.com',
  twilio: () => 'https://api.twilio.com',
  ses: ({ region = '' }) => `https://email.${region}.amazonaws.com`,
};

const CREDENTIALS: OfKind<(account: ProviderAccount) => Readonly<Record<string, string>>> = {
  sendgrid: ({ credentials }) => ({ authorization: `Bearer ${credentials['api_key'] ?? ''}` }),
  mailgun: ({ credentials }) => ({ authorization: basic('api', credentials['api_key'] ?? '') }),
  postmark: ({ credentials }) => ({ 'x-postmark-server-token': credentials['server_token'] ?? '' }),
  twilio: ({ settings, credentials }) => ({
    authorization: basic(settings['account_sid'] ?? '', credentials['auth_token'] ?? ''),
  }),
};

/** Where the API of an account answers: as the account says, else as its provider does. The kind must have an address. */
export function baseUrlOf({ kind, settings }: ProviderAccount): string {
  const own = BASE_URLS[kind];
  assert(own !== undefined, `${kind} has no address of its own`);
  return settings['base_url'] ?? own(settings);
}

/** The headers by which a provider knows an account. The kind must have such headers. */
export function credentialHeaders(account: ProviderAccount): Readonly<Record<string, string>> {
  const headersOf = CREDENTIALS[account.kind];
  assert(headersOf !== undefined, `${account.kind} knows no account by a header`);
  return headersOf(account);
}
