import { jest } from '@jest/globals';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { ContactStage, messageRequest, type Contactee } from '../support/contact-stage.js';
import { startSandboxProcess, type AcceptedMessage, type SandboxProcess } from '../support/sandbox.js';
import { TWILIO_SID } from './sandbox/senders.js';

/** Real time-outs of the provider pass in some of these. */
jest.setTimeout(300_000);

const GRID = { key: 'grid', kind: 'sendgrid', priority: 1, credentials: { api_key: 'SG.sandbox' } };
const MARK = { key: 'mark', kind: 'postmark', priority: 2, credentials: { server_token: 'sandbox' } };
const AMAZON = {
  ...{ key: 'amazon', kind: 'ses', priority: 1, settings: { region: 'eu-west-1', configuration_set: 'events' } },
  credentials: { access_key_id: 'AKIASANDBOX', secret_access_key: 'sandbox' },
};
const TEXTS = {
  ...{ key: 'texts', kind: 'twilio', credentials: { auth_token: 'sandbox' } },
  settings: { account_sid: TWILIO_SID, from: '+15005550006' },
};

describe('messages that go out by accounts with providers', () => {
  let stage: ContactStage;
  let sandbox: SandboxProcess;
  beforeAll(async () => {
    [stage, sandbox] = await Promise.all([ContactStage.open(1, 4), startSandboxProcess()]);
    await stage.template('mail');
    await stage.journey('mails', 'mail');
    const text = 'Hello from {{ company.name }}. Reply STOP to stop. {{ user.name }}';
    await stage.send('POST', '/api/message-templates', { key: 'text', channel: 'sms', text });
  });
  afterAll(async () => {
    await stage.query('delete from provider_accounts');
    await stage.close();
    await sandbox.stop();
  });
  beforeEach(async () => {
    await stage.query('delete from provider_accounts');
    await sandbox.faults([]);
  });

  let accounts = 0;
  /** Under a key of its own, so that nothing is known of its health. */
  async function register(
    ...given: readonly { key: string; kind: string; priority?: number; cost?: number; settings?: object }[]
  ): Promise<string[]> {
    const keys = given.map(({ key }) => `${key}_${(accounts += 1)}`);
    for (const [index, account] of given.entries()) {
      const settings = { ...account.settings, base_url: `${sandbox.url}/${account.kind}` };
      await stage.send('POST', '/api/providers', { ...account, key: keys[index], settings });
    }
    return keys;
  }

  /** Of the one message to a person, as operators see it. */
  async function costOf(userId: string): Promise<number | null> {
    const { data } = await stage.send<{ data: readonly { cost: number | null }[] }>(
      'GET',
      `/api/deliveries?user_id=${userId}`,
    );
    return data[0]?.cost ?? null;
  }
  async function ask(
    person: Contactee,
    channel: 'email' | 'sms' = 'email',
    template = channel === 'email' ? 'mail' : 'text',
  ): Promise<StepAnswer> {
    const [runKey = ''] = await stage.enter(person.id, 'mails');
    const run = { runKey, userId: person.id, journeyKey: 'mails' };
    const request = messageRequest(run, template);
    return stage.ask({ ...request, step: { ...request.step, channel } as never });
  }
  let numbers = 0;
  /** Somebody who wants texts. */
  async function reader(): Promise<Contactee & { readonly phone: string }> {
    const phone = `+3361234${String((numbers += 1)).padStart(4, '0')}`;
    const person = await stage.person({ phone });
    await stage.send('POST', '/api/consents', {
      user_id: person.id,
      channel: 'sms',
      status: 'granted',
      source: 'spec',
    });
    return { ...person, phone };
  }
  type Delivery = { state: string; provider: string; attempt: number; message: string | null; failure: string | null };
  const deliveries = ({ id }: Contactee): Promise<readonly Delivery[]> =>
    stage.query(
      `select state, provider, attempt, provider_message_id as message, failure from deliveries where user_id = $1`,
      id,
    );
  const acceptedFor = async (address: string): Promise<readonly AcceptedMessage[]> =>
    (await sandbox.accepted()).filter(({ recipient }) => recipient === address);
  const fault = (provider: string, kind: string, parameters?: object) =>
    sandbox.faults([{ provider, kind, ...(parameters === undefined ? {} : { parameters }) }] as never);

  it('go by the account of the smallest number, and carry our id', async () => {
    const [grid] = await register(GRID, MARK);
    const person = await stage.person();
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    const [delivery] = await deliveries(person);
    expect(delivery).toMatchObject({ state: 'sent', provider: grid, attempt: 1 });
    const [taken, ...more] = await acceptedFor(person.email);
    expect(more).toEqual([]);
    expect(taken).toMatchObject({ provider: 'sendgrid', id: delivery?.message });
    expect(JSON.stringify(taken)).toContain('List-Unsubscribe=One-Click');
  });

  it('go by the cheapest of those with the same number, and are told with their cost', async () => {
    const priced = [
      { ...MARK, priority: 1, cost: 0.002 },
      { ...GRID, cost: 0.0004 },
      { ...MARK, key: 'free', priority: 1 },
    ];
    const [dear, cheap] = await register(...priced);
    const person = await stage.person();
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    expect(await deliveries(person)).toMatchObject([{ provider: cheap }]);
    await fault('sendgrid', 'error', { status: 503 });
    const other = await stage.person();
    expect(await ask(other)).toMatchObject({ kind: 'sent' });
    expect(await deliveries(other)).toMatchObject([{ provider: dear, attempt: 2 }]);
    const costs = await Promise.all([person, other].map(({ id }) => costOf(id)));
    expect(costs).toEqual([0.0004, 0.002]);
    // A number comes before money.
    await register({ ...GRID, priority: 0, cost: 9 });
    await sandbox.faults([]);
    const last = await stage.person();
    await ask(last);
    expect(await costOf(last.id)).toBe(9);
  });

  it('go by the mail server of the settings while no account for e-mail is there', async () => {
    const person = await stage.person();
    await register(TEXTS);
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    expect(await deliveries(person)).toMatchObject([{ provider: 'smtp', state: 'sent' }]);
  });

  it.each<[string, string, object | undefined]>([
    ['says that it is not available', 'error', { status: 503 }],
    ['asks to come back', 'rate_limited', undefined],
    ['does not know us', 'error', { status: 401 }],
  ])('go by the next account when one %s, once', async (_what, kind, parameters) => {
    const [, mark] = await register(GRID, MARK);
    await fault('sendgrid', kind, parameters);
    const person = await stage.person();
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    expect(await deliveries(person)).toMatchObject([{ provider: mark, state: 'sent', attempt: 2 }]);
    expect(await acceptedFor(person.email)).toMatchObject([{ provider: 'postmark' }]);
  });

  it('wait when nobody can take them', async () => {
    await register(GRID, MARK);
    await sandbox.faults([
      { provider: 'sendgrid', kind: 'error', parameters: { status: 503 } },
      { provider: 'postmark', kind: 'rate_limited', parameters: { retry_after_s: 600 } },
    ] as never);
    const person = await stage.person();
    const before = Date.now();
    const answer = await ask(person);
    expect(answer).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
    expect('until' in answer ? answer.until : 0).toBeGreaterThanOrEqual(before + 600_000);
    expect(await acceptedFor(person.email)).toEqual([]);
    expect(await deliveries(person)).toMatchObject([{ state: 'released' }]);
  });

  it('wait while their only account is paused, and do not go another way', async () => {
    const [grid] = await register(GRID);
    await stage.send('POST', `/api/providers/${grid}/pause`, {});
    const person = await stage.person();
    expect(await ask(person)).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
    expect(await acceptedFor(person.email)).toEqual([]);
  });

  it.each<[string, string, object | undefined, number]>([
    ['hangs up after it took the message', 'reset_after', undefined, 1],
    ['answers what nobody understands', 'malformed', { part: 'head' }, 1],
    ['fails without saying what it did', 'error', { status: 500 }, 0],
  ])(
    'are unknown, and not sent again by another account, when one that cannot be asked %s',
    async (_what, kind, parameters, taken) => {
      await register(GRID, { ...MARK, priority: 9 });
      await fault('sendgrid', kind, parameters);
      const person = await stage.person();
      expect(await ask(person)).toMatchObject({ kind: 'unknown', reason: 'OUTCOME_UNKNOWN' });
      expect(await deliveries(person)).toMatchObject([{ state: 'unknown', attempt: 1 }]);
      expect(await acceptedFor(person.email)).toHaveLength(taken);
    },
  );

  it('are in doubt, and not sent by another account, when one that can be asked says nothing', async () => {
    await register(MARK, { ...GRID, priority: 9 });
    await fault('postmark', 'reset_after');
    const person = await stage.person();
    expect(await ask(person)).toMatchObject({ kind: 'defer', reason: 'OUTCOME_IN_DOUBT' });
    expect(await deliveries(person)).toMatchObject([{ state: 'sending', attempt: 1, failure: 'ECONNRESET' }]);
    expect(await acceptedFor(person.email)).toHaveLength(1);
  });

  it('are refused for good where the provider says so, and its recipient is suppressed', async () => {
    await register(MARK, { ...GRID, priority: 9 });
    const person = await stage.person();
    await sandbox.accounts({ postmark: { inactive: [person.email] } });
    expect(await ask(person)).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    expect(await ask(person)).toMatchObject({ reason: 'SUPPRESSED_HARD_BOUNCE' });
    expect(await acceptedFor(person.email)).toEqual([]);
  });

  it('leave a provider alone that failed five times in a row', async () => {
    const [, mark] = await register(GRID, MARK);
    await fault('sendgrid', 'error', { status: 503 });
    for (let failure = 0; failure < 5; failure += 1) await ask(await stage.person());
    await sandbox.faults([]);
    const person = await stage.person();
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    expect(await deliveries(person)).toMatchObject([{ provider: mark, attempt: 1 }]);
  });

  describe('by Amazon SES', () => {
    it('are signed, carry our id and say where to withdraw', async () => {
      const [amazon] = await register(AMAZON);
      const person = await stage.person();
      expect(await ask(person)).toMatchObject({ kind: 'sent' });
      const [delivery] = await deliveries(person);
      const [taken, ...more] = await acceptedFor(person.email);
      expect(more).toEqual([]);
      expect(delivery).toMatchObject({ state: 'sent', provider: amazon, message: taken?.id });
      expect(taken).toMatchObject({
        provider: 'ses',
        custom: { delivery_id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      });
      expect(taken?.body).toMatchObject({ ConfigurationSetName: 'events' });
      expect(JSON.stringify(taken)).toContain('List-Unsubscribe=One-Click');
    });

    it('wait where the key is not the right one', async () => {
      await register({ ...AMAZON, credentials: { ...AMAZON.credentials, secret_access_key: 'wrong' } } as never);
      const person = await stage.person();
      expect(await ask(person)).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
      expect(await deliveries(person)).toMatchObject([{ failure: 'status 403, InvalidSignatureException' }]);
      expect(await acceptedFor(person.email)).toEqual([]);
    });

    it.each<[number, object, string]>([
      [400, { kind: 'skip', reason: 'PROVIDER_REJECTED' }, 'failed'],
      [429, { kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' }, 'released'],
      [500, { kind: 'unknown', reason: 'OUTCOME_UNKNOWN' }, 'unknown'],
    ])('are told by status %i', async (status, answer, state) => {
      await register(AMAZON);
      await fault('ses', 'error', { status });
      const person = await stage.person();
      expect(await ask(person)).toMatchObject(answer);
      expect(await deliveries(person)).toMatchObject([{ state }]);
      expect(await acceptedFor(person.email)).toEqual([]);
    });
  });

  describe('as texts', () => {
    it('reach the telephone, and ask for word of what becomes of them', async () => {
      const [texts] = await register(TEXTS);
      const person = await reader();
      expect(await ask(person, 'sms')).toMatchObject({ kind: 'sent' });
      const [delivery] = await deliveries(person);
      expect(delivery).toMatchObject({ state: 'sent', provider: texts, message: expect.stringMatching(/^SM/) });
      const [taken] = await acceptedFor(person.phone);
      expect(taken).toMatchObject({ provider: 'twilio', id: delivery?.message });
      expect(JSON.stringify(taken)).toContain('Reply STOP to stop');
    });

    it('cost so much for each of their parts', async () => {
      await register({ ...TEXTS, cost: 0.05 });
      await stage.send('POST', '/api/message-templates', {
        ...{
          key: 'long',
          channel: 'sms',
          text: `Hello from {{ company.name }}. Reply STOP to stop. ${'x'.repeat(400)}`,
        },
      });
      const person = await reader();
      expect(await ask(person, 'sms', 'long')).toMatchObject({ kind: 'sent' });
      expect(await costOf(person.id)).toBe(0.15);
    });

    it('are not sent without a number, nor without consent for texts', async () => {
      await register(TEXTS);
      expect(await ask(await stage.person(), 'sms')).toMatchObject({ kind: 'skip', reason: 'ADDRESS_MISSING' });
      const mailOnly = await stage.person({ phone: '+33612349999' });
      expect(await ask(mailOnly, 'sms')).toMatchObject({ kind: 'skip', reason: 'CONSENT_MISSING' });
    });

    it('withdraw the consent of whoever told the carrier STOP', async () => {
      await register(TEXTS);
      const person = await reader();
      await sandbox.accounts({ twilio: { opted_out: [person.phone] } });
      expect(await ask(person, 'sms')).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
      expect(await ask(person, 'sms')).toMatchObject({ kind: 'skip', reason: 'CONSENT_WITHDRAWN' });
      expect(await ask(person)).toMatchObject({ kind: 'sent' });
      expect(await acceptedFor(person.phone)).toEqual([]);
    });

    it('wait when there is no account for texts', async () => {
      expect(await ask(await reader(), 'sms')).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
    });
  });
});
