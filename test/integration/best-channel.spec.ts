import { createECDH } from 'node:crypto';
import { jest } from '@jest/globals';
import type { Plan } from '../../src/core/journeys/plan.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { Replayer } from '../../src/modules/dead-letters/replayer.js';
import { ContactStage, type Contactee } from '../support/contact-stage.js';
import { startSandboxProcess, type SandboxProcess } from '../support/sandbox.js';
import { TWILIO_SID } from './sandbox/senders.js';

/** Processes of providers are started and asked. */
jest.setTimeout(300_000);

const TEXTS = {
  ...{ key: 'texts', kind: 'twilio', credentials: { auth_token: 'sandbox' }, cost: 0.05 },
  settings: { account_sid: TWILIO_SID, from: '+15005550006' },
};
const CHOICES = [
  { channel: 'email', template: 'remind_mail' },
  { channel: 'sms', template: 'remind_text' },
  { channel: 'in_app', template: 'remind_note' },
] as const;

/** Of the message, not of its recipient, whoever is asked. */
const REFUSAL = '{"ErrorCode": 405, "Message": "not this one"}';

interface Explained {
  readonly explanation: string;
  readonly candidates: readonly { readonly action: string; readonly lost_because: string | null }[];
}

describe('a message step with the best channel', () => {
  let stage: ContactStage;
  let sandbox: SandboxProcess;
  beforeAll(async () => {
    [stage, sandbox] = await Promise.all([ContactStage.open(1, 4), startSandboxProcess()]);
    await stage.template('remind_mail');
    const text = 'Hello from {{ company.name }}. Reply STOP to stop. {{ user.attributes.plan }}';
    await stage.send('POST', '/api/message-templates', { key: 'remind_text', channel: 'sms', text });
    const note = { key: 'remind_note', channel: 'in_app', title: 'Hello', body: 'Your plan ends.' };
    await stage.send('POST', '/api/message-templates', note);
    await journey('remind');
  });
  afterAll(async () => {
    await stage.query('delete from provider_accounts');
    await stage.close();
    await sandbox.stop();
  });
  beforeEach(() => stage.query('delete from provider_accounts'));

  const definition = (key: string, choices: readonly object[] = CHOICES): object => ({
    ...{ key, name: key, entry: { mode: 'parallel' } },
    steps: [
      { kind: 'message', id: 'remind', channel: 'best', choices },
      { kind: 'end', id: 'done' },
    ],
  });
  async function journey(key: string, choices?: readonly object[]): Promise<void> {
    await stage.send('POST', '/api/journeys/templates', definition(key, choices));
    await stage.send('POST', `/api/journeys/templates/${key}/publish`, {});
  }
  const at = (provider: string): object => ({ base_url: `${sandbox.url}/${provider}` });
  async function texts(): Promise<void> {
    const settings = { ...TEXTS.settings, ...at('twilio') };
    await stage.send('POST', '/api/providers', { ...TEXTS, settings });
  }
  async function mails(cost: number): Promise<void> {
    const account = { key: 'mails', kind: 'postmark', credentials: { server_token: 'sandbox' }, cost };
    await stage.send('POST', '/api/providers', { ...account, settings: at('postmark') });
  }
  let numbers = 0;
  /** Somebody who may be written to on these channels. */
  async function person(profile: object = {}, channels: readonly string[] = ['sms', 'in_app']): Promise<Contactee> {
    const phone = `+3361235${String((numbers += 1)).padStart(4, '0')}`;
    const made = await stage.person({ phone, attributes: { plan: 'pro' }, ...profile } as object);
    for (const channel of channels) {
      const said = { user_id: made.id, channel, status: 'granted', source: 'spec' };
      await stage.send('POST', '/api/consents', said);
    }
    return made;
  }
  const refuses = ({ id }: Contactee, channel: string): Promise<unknown> =>
    stage.send('POST', '/api/consents', { user_id: id, channel, status: 'withdrawn', source: 'spec' });
  /** As the workflow asks: with the step of the published plan. */
  async function ask({ id }: Contactee, journeyKey = 'remind'): Promise<StepAnswer> {
    const [runKey = ''] = await stage.enter(id, journeyKey);
    const [row] = await stage.query<{ plan: Plan }>(
      'select plan from journey_versions join journeys on journeys.id = journey_id where key = $1',
      journeyKey,
    );
    const step = row?.plan.steps['remind'];
    if (step?.kind !== 'message') throw new Error('no such step');
    const run = { runKey, userId: id, journeyKey, journeyVersion: 1 };
    return stage.ask({ run, step, visit: 1, ask: 1, clock: { kind: 'real' } });
  }
  const channelsOf = async ({ id }: Contactee): Promise<readonly string[]> =>
    (await stage.query<{ channel: string }>('select channel from deliveries where user_id = $1', id)).map(
      ({ channel }) => channel,
    );
  const explained = ({ decisionId }: StepAnswer): Promise<Explained> =>
    stage.send('GET', `/api/decisions/${decisionId}/explain`);

  it('sends one message through the channel that the person prefers, whatever it costs, and tells why', async () => {
    await texts();
    const reader = await person({ preferred_channel: 'sms' });
    const answer = await ask(reader);
    expect(answer).toMatchObject({ kind: 'sent', action: 'remind_text' });
    expect(await channelsOf(reader)).toEqual(['sms']);
    const { explanation, candidates } = await explained(answer);
    expect(explanation).toContain('remind_text on sms was chosen');
    expect(explanation).toContain('comes before remind_mail (1), since they prefer sms');
    expect(candidates.map(({ action, lost_because }) => [action, lost_because])).toEqual([
      ['remind_text', null],
      ['remind_mail', 'LOWER_PRIORITY'],
      ['remind_note', 'LOWER_PRIORITY'],
    ]);
  });

  it('takes the cheapest account where nobody is preferred, and the order of the step where all cost the same', async () => {
    await texts();
    await mails(0.06);
    const some = await person({}, ['sms']);
    expect(await ask(some)).toMatchObject({ kind: 'sent', action: 'remind_text' });
    await stage.send('PUT', '/api/providers/texts', { cost: 0.06, settings: { ...TEXTS.settings, ...at('twilio') } });
    const others = await person({}, ['sms']);
    expect(await ask(others)).toMatchObject({ kind: 'sent', action: 'remind_mail' });
    expect(await channelsOf(others)).toEqual(['email']);
    // An inbox costs nothing.
    expect(await ask(await person())).toMatchObject({ kind: 'sent', action: 'remind_note' });
  });

  it('goes on to the next channel where one is out of reach', async () => {
    await texts();
    const wants = { preferred_channel: 'sms' };
    expect(await ask(await person({ ...wants, phone: null }))).toMatchObject({ action: 'remind_mail' });
    expect(await ask(await person(wants, []))).toMatchObject({ kind: 'sent', action: 'remind_mail' });
    const stopped = await person(wants);
    await stage.send('POST', '/api/suppressions', { user_id: stopped.id, channel: 'sms', reason: 'manual' });
    expect(await ask(stopped)).toMatchObject({ kind: 'sent', action: 'remind_mail' });
  });

  it('passes over a channel that nobody carries now, and waits for its account where no other is open', async () => {
    await texts();
    await stage.send('POST', '/api/providers/texts/pause', {});
    const wants = { preferred_channel: 'sms' };
    const answer = await ask(await person(wants));
    expect(answer).toMatchObject({ kind: 'sent', action: 'remind_mail' });
    expect((await explained(answer)).candidates.at(-1)).toMatchObject({ action: 'remind_text' });
    const textsOnly = await person(wants, ['sms']);
    await refuses(textsOnly, 'email');
    expect(await ask(textsOnly)).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
    // The mail server of the settings steps aside for an account, also for one that is paused.
    await stage.send('POST', '/api/providers/texts/resume', {});
    await mails(0);
    await stage.send('POST', '/api/providers/mails/pause', {});
    expect(await ask(await person({}, ['sms']))).toMatchObject({ kind: 'sent', action: 'remind_text' });
  });

  it('takes a notification for carried only by an account for the platform of the device', async () => {
    const push = { key: 'remind_push', channel: 'push', purpose: 'marketing', title: 'Hello', body: 'Your plan ends.' };
    await stage.send('POST', '/api/message-templates', push);
    await journey('pushed', [{ channel: 'push', template: 'remind_push' }, CHOICES[0]]);
    const keys = createECDH('prime256v1');
    await stage.send('POST', '/api/providers', {
      ...{ key: 'browsers', kind: 'webpush' },
      settings: { subject: 'mailto:ops@example.org', public_key: keys.generateKeys('base64url') },
      credentials: { private_key: keys.getPrivateKey('base64url') },
    });
    const reader = await person({ preferred_channel: 'push' }, ['push']);
    const device = { platform: 'fcm', token: `spec:${reader.id}` };
    await stage.send('PUT', `/api/users/${reader.id}/devices`, device);
    expect(await ask(reader, 'pushed')).toMatchObject({ kind: 'sent', action: 'remind_mail' });
  });

  it('tries the next channel when the text of the first cannot be rendered for the person', async () => {
    await texts();
    const bare = await person({ preferred_channel: 'sms', attributes: {} });
    const answer = await ask(bare);
    expect(answer).toMatchObject({ kind: 'sent', action: 'remind_mail' });
    expect((await explained(answer)).candidates[0]).toMatchObject({
      action: 'remind_text',
      lost_because: 'RENDER_FAILED',
    });
  });

  it('tries the next channel under a cap that says so, and waits under one that does not', async () => {
    await texts();
    const cap = { limit: 1, window: { kind: 'rolling', duration: 'P1D' }, scope: { kind: 'channel', channel: 'sms' } };
    const lift = await stage.policy('texts_a_day', { ...cap, on_hit: 'degrade_channel' });
    const reader = await person({ preferred_channel: 'sms' });
    expect(await ask(reader)).toMatchObject({ action: 'remind_text' });
    expect(await ask(reader)).toMatchObject({ kind: 'sent', action: 'remind_mail' });
    await lift();
    const liftOther = await stage.policy('texts_put_off', { ...cap, on_hit: 'defer' });
    expect(await ask(reader)).toMatchObject({ kind: 'defer', reason: 'CAP_REACHED' });
    await liftOther();
    expect((await channelsOf(reader)).toSorted()).toEqual(['email', 'sms']);
  });

  it('is silent where no channel is open, for the reason of the best one', async () => {
    await texts();
    const nobody = await stage.person({ phone: '+33612359999' });
    await refuses(nobody, 'email');
    expect(await ask(nobody)).toMatchObject({ kind: 'skip', reason: expect.stringMatching(/^CONSENT_/) });
    expect(await channelsOf(nobody)).toEqual([]);
  });

  it('is recorded so that it can be made again bit for bit', async () => {
    await texts();
    const reader = await person({ preferred_channel: 'sms' });
    await ask(reader);
    const verified = await stage.send('GET', `/api/decisions/verify?user_id=${reader.id}`);
    expect(verified).toMatchObject({ is_intact: true, made_again: 1, fault_count: 0 });
    expect(await stage.brokenLinks(reader.id)).toEqual([]);
  });

  describe('once its provider refused it', () => {
    /** Somebody whose e-mail was refused, and who would rather have it elsewhere since. */
    async function refused(journeyKey: string): Promise<Contactee & { readonly deliveryId: string }> {
      const reader = await person({ preferred_channel: 'email' });
      const match = { recipient: reader.email };
      await sandbox.faults([
        { provider: 'postmark', kind: 'error', match, parameters: { status: 422, body: REFUSAL } },
      ]);
      expect(await ask(reader, journeyKey)).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
      await sandbox.faults([]);
      const profile = { email: reader.email, preferred_channel: 'in_app' };
      await stage.send('PUT', `/api/users/${reader.id}`, profile);
      const [row] = await stage.query<{ id: string }>('select id from deliveries where user_id = $1', reader.id);
      return { ...reader, deliveryId: row?.id ?? '' };
    }
    async function replayed({ id, deliveryId }: Contactee & { readonly deliveryId: string }): Promise<unknown> {
      await stage.send('POST', `/api/dead-letters/${deliveryId}/replay`, { reason: 'put right' });
      await stage.get(Replayer).round();
      return stage.query('select channel, template, state from deliveries where user_id = $1', id);
    }

    it('is sent again as the message that it was, or not at all', async () => {
      await mails(0);
      const letter = await refused('remind');
      expect(await replayed(letter)).toEqual([{ channel: 'email', template: 'remind_mail', state: 'sent' }]);
      const other = await refused('remind');
      await refuses(other, 'email');
      expect(await replayed(other)).toEqual([{ channel: 'email', template: 'remind_mail', state: 'failed' }]);
    });

    it('is sent again by the version that has it, whatever version its run is in by now', async () => {
      await mails(0);
      await stage.template('other_mail');
      await journey('moving');
      const letter = await refused('moving');
      const steps = [
        { kind: 'message', id: 'remind', channel: 'email', template: 'other_mail' },
        { kind: 'end', id: 'done' },
      ];
      await stage.send('PUT', '/api/journeys/templates/moving', { ...definition('moving'), steps });
      await stage.send('POST', '/api/journeys/templates/moving/publish', {});
      await stage.query('update journey_entries set version = 2 where user_id = $1', letter.id);
      expect(await replayed(letter)).toEqual([{ channel: 'email', template: 'remind_mail', state: 'sent' }]);
    });
  });

  describe('when it is written down', () => {
    it('names templates that exist, each for its channel', async () => {
      const choices = [
        { channel: 'email', template: 'remind_text' },
        { channel: 'push', template: 'nothing' },
      ];
      await stage.send('POST', '/api/journeys/templates', definition('astray', choices));
      const refused = await stage.inject({
        method: 'POST',
        url: '/api/journeys/templates/astray/publish',
        payload: {},
      });
      expect([refused.statusCode, refused.json()]).toMatchObject([
        422,
        {
          code: 'UNKNOWN_REFERENCE',
          errors: [{ path: 'steps[0].choices[1].template' }, { path: 'steps[0].choices[0].template' }],
        },
      ]);
    });

    async function faults(choices: readonly object[]): Promise<readonly string[]> {
      const payload = definition('faulty', choices);
      const refused = await stage.inject({ method: 'POST', url: '/api/journeys/templates', payload });
      expect(refused.statusCode).toBe(400);
      return refused.json<{ errors: { path: string }[] }>().errors.map(({ path }) => path);
    }

    it('names messages for one purpose, on one legal basis', async () => {
      const receipt = {
        key: 'receipt_text',
        channel: 'sms',
        purpose: 'orders',
        legal_basis: 'contract',
        text: 'Paid.',
      };
      await stage.send('POST', '/api/message-templates', receipt);
      const choices = [CHOICES[0], { channel: 'sms', template: 'receipt_text' }];
      await stage.send('POST', '/api/journeys/templates', definition('mixed', choices));
      const refused = await stage.inject({ method: 'POST', url: '/api/journeys/templates/mixed/publish', payload: {} });
      expect([refused.statusCode, refused.json()]).toMatchObject([
        422,
        { code: 'UNKNOWN_REFERENCE', errors: [{ path: 'steps[0].choices[1].template' }] },
      ]);
    });

    it('names at least two channels, each once, and no other template', async () => {
      expect(await faults([CHOICES[0]])).toEqual(['steps[0].choices']);
      expect(await faults([CHOICES[0], CHOICES[0]])).toEqual(['steps[0].choices[1].channel']);
      for (const channel of ['best', 'webhook']) {
        expect(await faults([CHOICES[0], { channel, template: 'x' }])).toEqual(['steps[0].choices[1].channel']);
      }
    });
  });
});
