import type { ProviderAccount, ProviderKind } from '../../providers/index.js';
import { ACCOUNT_CHECKS, findingOf, type AccountCheck } from './account-checks.js';

const NOW = Date.parse('2027-06-15T12:00:00Z');

function checkOf(kind: ProviderKind): AccountCheck {
  const check = ACCOUNT_CHECKS[kind];
  if (check === undefined) throw new Error(`${kind} is not asked`);
  return check;
}
function asked(kind: ProviderKind, more: Pick<ProviderAccount, 'settings' | 'credentials'>) {
  const account = { id: 'id', key: 'key', kind, channel: 'email', state: 'active', priority: 1, ...more } as const;
  return checkOf(kind).question({ ...account, perSecond: null, pathToken: 't', updatedAt: 0 }, NOW);
}
const said = (kind: ProviderKind, status: number, json?: unknown, headers = {}) =>
  findingOf(checkOf(kind), { status, headers, json });

describe('what a provider is asked about an account', () => {
  it.each<[ProviderKind, Readonly<Record<string, string>>, Readonly<Record<string, string>>, string, string, RegExp]>([
    ['sendgrid', {}, { api_key: 'SG.a' }, 'https://api.sendgrid.com/v3/scopes', 'authorization', /^Bearer SG\.a$/],
    [
      ...(['mailgun', { domain: 'mail.example.com' }, { api_key: 'k' }] as const),
      ...(['https://api.mailgun.net/v4/domains/mail.example.com', 'authorization', /^Basic YXBpOms=$/] as const),
    ],
    [
      ...(['postmark', {}, { server_token: 'T' }] as const),
      ...(['https://api.postmarkapp.com/server', 'x-postmark-server-token', /^T$/] as const),
    ],
    [
      ...(['twilio', { account_sid: 'AC1' }, { auth_token: 't' }] as const),
      ...(['https://api.twilio.com/2010-04-01/Accounts/AC1.json', 'authorization', /^Basic QUMxOnQ=$/] as const),
    ],
    [
      ...(['ses', { region: 'eu-west-1' }, { access_key_id: 'AK', secret_access_key: 's' }] as const),
      'https://email.eu-west-1.amazonaws.com/v2/email/account',
      'authorization',
      /^AWS4-HMAC-SHA256 Credential=AK\/20270615\/eu-west-1\/ses\/aws4_request, SignedHeaders=host;x-amz-date, Sig/,
    ],
  ])('%s', (kind, settings, credentials, url, header, value) => {
    const question = asked(kind, { settings, credentials });
    expect(question.url).toBe(url);
    expect(question.headers[header]).toMatch(value);
    const moved = asked(kind, { settings: { ...settings, base_url: 'http://sandbox' }, credentials });
    expect(moved.url).toBe(`http://sandbox${new URL(url).pathname}`);
  });
});

describe('what the answer means', () => {
  it.each<[string, ProviderKind, unknown, object]>([
    ['a key that may send', 'sendgrid', { scopes: ['a', 'mail.send'] }, { outcome: 'ok', because: null }],
    ['one that may not', 'sendgrid', { scopes: ['a'] }, { outcome: 'refused', because: 'the key may not send mail' }],
    ['no list of what it may', 'sendgrid', undefined, { outcome: 'refused' }],
    ['a domain in use', 'mailgun', { domain: { state: 'active' } }, { outcome: 'ok' }],
    [
      'one that is not verified',
      'mailgun',
      { domain: { state: 'unverified' } },
      { outcome: 'refused', because: 'the domain is unverified' },
    ],
    ['a server', 'postmark', { Name: 'mine' }, { outcome: 'ok' }],
    ['an account in use', 'twilio', { status: 'active' }, { outcome: 'ok' }],
    ['a suspended one', 'twilio', { status: 'suspended' }, { outcome: 'refused', because: 'the account is suspended' }],
    ['an account that may send', 'ses', { SendingEnabled: true }, { outcome: 'ok' }],
    ['one that may not', 'ses', { SendingEnabled: false }, { outcome: 'refused' }],
  ])('%s (%s)', (_what, kind, json, finding) => {
    expect(said(kind, 200, json)).toMatchObject(finding);
  });

  it.each<[number, 'refused' | 'unclear']>([
    [302, 'unclear'],
    [400, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'refused'],
    [408, 'unclear'],
    [429, 'unclear'],
    [500, 'unclear'],
    [503, 'unclear'],
  ])('status %i is %s', (status, outcome) => {
    expect(said('postmark', status)).toEqual({ outcome, because: `status_${status}` });
  });

  it('is unclear of a key that is known and may only send', () => {
    const headers = { 'x-amzn-errortype': 'AccessDeniedException' };
    expect(said('ses', 403, {}, headers)).toMatchObject({ outcome: 'unclear' });
    expect(said('ses', 403, {}, { 'x-amzn-errortype': 'InvalidSignatureException' })).toMatchObject({
      outcome: 'refused',
    });
  });
});
