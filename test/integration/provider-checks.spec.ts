import { createECDH } from 'node:crypto';
import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { startSandboxProcess, type SandboxProcess } from '../support/sandbox.js';
import { TWILIO_SID } from './sandbox/senders.js';

const SETUP_MS_MAX = 120_000;

interface Checked {
  readonly outcome: string;
  readonly because: string | null;
  readonly status: number | null;
  readonly said: string | null;
}
interface Given {
  readonly settings?: Readonly<Record<string, string>>;
  readonly credentials: Readonly<Record<string, string>>;
}

describe('accounts that are checked', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let sandbox: SandboxProcess;
  let accounts = 0;

  beforeAll(async () => {
    sandbox = await startSandboxProcess();
    app = await createTestApp({ SMTP_URL: `${sandbox.smtpUrl.replace('//', '//sandbox:sandbox@')}?ignoreTLS=true` });
    api = clientOf(app);
  }, SETUP_MS_MAX);
  afterAll(async () => {
    await app.close();
    await sandbox.stop();
  });
  afterEach(() => sandbox.faults([]));

  async function register(kind: string, { settings = {}, credentials }: Given): Promise<string> {
    const key = `${kind}_${(accounts += 1)}`;
    const base = kind === 'webpush' ? {} : { base_url: `${sandbox.url}/${kind}` };
    const { status, body } = await api.post('/api/providers', {
      ...{ key, kind, credentials },
      settings: { ...base, ...settings },
    });
    if (status !== 201) throw new Error(JSON.stringify(body));
    return key;
  }
  async function check(key: string): Promise<Checked> {
    const { status, body } = await api.post(`/api/providers/${key}/check`, {});
    if (status !== 200) throw new Error(JSON.stringify(body));
    return body;
  }
  async function good(kind: string): Promise<Given> {
    const { fcm } = await sandbox.accounts();
    const known: Readonly<Record<string, Given>> = {
      sendgrid: { credentials: { api_key: 'SG.sandbox' } },
      mailgun: { settings: { domain: 'sandbox.example' }, credentials: { api_key: 'key-sandbox' } },
      postmark: { credentials: { server_token: 'sandbox' } },
      twilio: {
        settings: { account_sid: TWILIO_SID, from: '+15005550006' },
        credentials: { auth_token: 'sandbox' },
      },
      ses: {
        settings: { region: 'eu-west-1' },
        credentials: { access_key_id: 'AKIASANDBOX', secret_access_key: 'sandbox' },
      },
      fcm: {
        settings: { project_id: 'sandbox', token_url: `${sandbox.url}/fcm/token` },
        credentials: { client_email: fcm.client_email, private_key: fcm.private_key ?? '' },
      },
    };
    return known[kind] ?? { credentials: {} };
  }

  it.each<[string, Partial<Given>, number | null]>([
    ['sendgrid', { credentials: { api_key: 'SG.wrong' } }, 401],
    ['mailgun', { credentials: { api_key: 'key-wrong' } }, 401],
    ['mailgun', { settings: { domain: 'other.example' } }, 404],
    ['postmark', { credentials: { server_token: 'wrong' } }, 401],
    ['twilio', { credentials: { auth_token: 'wrong' } }, 401],
    ['ses', { credentials: { access_key_id: 'AKIAWRONG', secret_access_key: 'sandbox' } }, 403],
    ['ses', { credentials: { access_key_id: 'AKIASANDBOX', secret_access_key: 'wrong' } }, 403],
    ['fcm', { credentials: { client_email: 'nobody@example.com', private_key: 'no key' } }, null],
  ])('%s: ok with what is right, refused with %j', async (kind, wrong, status) => {
    const right = await good(kind);
    const accepted = await check(await register(kind, right));
    expect(accepted).toMatchObject({ outcome: 'ok', because: null, said: null });
    const key = await register(kind, {
      settings: { ...right.settings, ...wrong.settings },
      credentials: { ...right.credentials, ...wrong.credentials },
    });
    const refused = await check(key);
    expect(refused).toMatchObject({ outcome: 'refused', status });
    for (const secret of Object.values({ ...right.credentials, ...wrong.credentials })) {
      expect(JSON.stringify([accepted, refused])).not.toContain(JSON.stringify(secret).slice(1, -1));
    }
  });

  it('are refused where they exist and may not send, with the reason', async () => {
    await sandbox.accounts({
      ...{ sendgrid: { scopes: ['stats.read'] }, mailgun: { state: 'disabled' }, twilio: { status: 'suspended' } },
      ses: { sending_enabled: false },
    });
    const reasons = [
      ['sendgrid', 'the key may not send mail'],
      ['mailgun', 'the domain is disabled'],
      ['twilio', 'the account is suspended'],
      ['ses', 'sending is switched off for the account'],
    ] as const;
    for (const [kind, because] of reasons) {
      const checked = await check(await register(kind, await good(kind)));
      expect(checked).toMatchObject({ outcome: 'refused', because, status: 200, said: null });
    }
    await sandbox.accounts({
      ...{ sendgrid: { scopes: ['mail.send'] }, mailgun: { state: 'active' }, twilio: { status: 'active' } },
      ses: { sending_enabled: true },
    });
  });

  it('of FCM are refused for a project that is not theirs, and send nothing', async () => {
    const { settings, credentials } = await good('fcm');
    const other = await register('fcm', { settings: { ...settings, project_id: 'other' }, credentials });
    expect(await check(other)).toMatchObject({ outcome: 'refused', status: 403 });
    expect(sandbox.log().filter(({ kind }) => kind === 'accepted')).toEqual([]);
  });

  it('are unclear while nobody says anything, or something else is wrong', async () => {
    const postmark = await register('postmark', await good('postmark'));
    await sandbox.faults([{ provider: 'account_lookup', kind: 'error', parameters: { status: 503 } }]);
    expect(await check(postmark)).toMatchObject({ outcome: 'unclear', because: 'status_503', status: 503 });
    await sandbox.faults([{ provider: 'account_lookup', kind: 'reset_before' }]);
    expect(await check(postmark)).toMatchObject({ outcome: 'unclear', status: null, said: null });
    const fcm = await register('fcm', await good('fcm'));
    await sandbox.faults([{ provider: 'fcm_token', kind: 'error', parameters: { status: 503 } }]);
    expect(await check(fcm)).toMatchObject({ outcome: 'unclear', because: 'no access token: status 503' });
    await sandbox.faults([{ provider: 'fcm', kind: 'rate_limited', parameters: { retry_after_s: 5 } }]);
    expect(await check(fcm)).toMatchObject({ outcome: 'unclear', because: 'status_429' });
  });

  it('wait ten seconds for an answer, and no longer', async () => {
    const key = await register('postmark', await good('postmark'));
    await sandbox.faults([{ provider: 'account_lookup', kind: 'timeout_before' }]);
    const limits: number[] = [];
    const spy = jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      limits.push(ms);
      return AbortSignal.abort();
    });
    expect(await check(key)).toMatchObject({ outcome: 'unclear', status: null });
    spy.mockRestore();
    expect(limits).toContain(10_000);
  });

  it('tell what a refusal says, as a line without the credentials that it may repeat', async () => {
    const key = await register('postmark', { credentials: { server_token: 'a-very-secret-token' } });
    const body = `no\n such token: a-very-secret-token ${'x'.repeat(900)}`;
    await sandbox.faults([{ provider: 'account_lookup', kind: 'error', parameters: { status: 401, body } }]);
    const { said } = await check(key);
    expect(said).toMatch(/^no such token: … x+$/);
    expect(said?.length).toBeLessThanOrEqual(300);
  });

  it('of web push are right when the keys belong together', async () => {
    const [own, other] = [createECDH('prime256v1'), createECDH('prime256v1')];
    const publicKey = own.generateKeys('base64url');
    other.generateKeys();
    const settings = { subject: 'mailto:push@example.com', public_key: publicKey };
    const withKey = (private_key: string) => register('webpush', { settings, credentials: { private_key } });
    expect(await check(await withKey(own.getPrivateKey('base64url')))).toMatchObject({ outcome: 'ok' });
    expect(await check(await withKey(other.getPrivateKey('base64url')))).toMatchObject({ outcome: 'refused' });
  });

  it('are the mail server too, by the name smtp', async () => {
    await sandbox.accounts({ smtp: { needs_auth: true } });
    expect(await check('smtp')).toMatchObject({ outcome: 'ok', kind: 'smtp', provider: 'smtp' });
    await sandbox.accounts({ smtp: { password: 'another' } });
    expect(await check('smtp')).toMatchObject({ outcome: 'refused', because: 'EAUTH', status: 535 });
    await sandbox.accounts({ smtp: { needs_auth: false, password: 'sandbox' } });
  });

  it('are in the audit log, and nobody knows those that are not there', async () => {
    const key = await register('postmark', await good('postmark'));
    await check(key);
    const entries = await app.get(Database).query({
      text: `select detail from audit_log where action = 'provider.check' and subject = $1`,
      values: [key],
    });
    expect(entries).toEqual([{ detail: { outcome: 'ok' } }]);
    expect(await api.post('/api/providers/nobody/check', {})).toMatchObject({ status: 404 });
  });
});
