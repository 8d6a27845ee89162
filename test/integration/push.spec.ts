import { createECDH } from 'node:crypto';
import { jest } from '@jest/globals';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { StepDecider } from '../../src/modules/steps/step-decider.js';
import { ContactStage, messageRequest, type Contactee } from '../support/contact-stage.js';
import { startSandboxProcess, type AcceptedMessage, type SandboxProcess } from '../support/sandbox.js';

/** Real time-outs of push services pass in some of these. */
jest.setTimeout(300_000);

type Platform = 'fcm' | 'webpush';
const PLATFORMS: readonly Platform[] = ['fcm', 'webpush'];

interface Owner extends Contactee {
  /** What the sandbox calls the device that was registered last. */
  readonly device: string;
}
interface Delivery {
  readonly id: string;
  readonly state: string;
  readonly provider: string;
  readonly attempt: number;
  readonly message: string | null;
}

describe('notifications', () => {
  let stage: ContactStage;
  let sandbox: SandboxProcess;
  const vapid = createECDH('prime256v1');
  vapid.generateKeys();

  beforeAll(async () => {
    [stage, sandbox] = await Promise.all([ContactStage.open(1, 4), startSandboxProcess()]);
    await stage.template('mail');
    await stage.journey('mails', 'mail');
    const link = 'https://shop.example/orders';
    const note = { channel: 'push', title: 'Hello {{ user.name }}', body: 'Grüße, мир', link };
    await stage.send('POST', '/api/message-templates', { ...note, key: 'note' });
    await stage.send('POST', '/api/message-templates', { ...note, key: 'long', body: 'x'.repeat(3_970) });
  });
  afterAll(async () => {
    await stage.query('delete from provider_accounts');
    await stage.close();
    await sandbox.stop();
  });
  beforeEach(async () => {
    await stage.query('delete from provider_accounts');
    await sandbox.faults([]);
    await sandbox.accounts({ fcm: { unregistered: [] } });
  });

  let accounts = 0;
  /** Under a key of its own, so that nothing is known of its health. */
  async function account(kind: Platform, more: { settings?: object; priority?: number } = {}): Promise<string> {
    const key = `${kind}_${(accounts += 1)}`;
    const { fcm } = await sandbox.accounts();
    const own =
      kind === 'fcm'
        ? {
            settings: {
              base_url: `${sandbox.url}/fcm`,
              token_url: `${sandbox.url}/fcm/token`,
              project_id: fcm.project_id,
              ...more.settings,
            },
            credentials: { client_email: fcm.client_email, private_key: fcm.private_key },
          }
        : {
            settings: { subject: 'mailto:ops@example.org', public_key: vapid.getPublicKey('base64url') },
            credentials: { private_key: vapid.getPrivateKey('base64url') },
          };
    await stage.send('POST', '/api/providers', { key, kind, priority: more.priority ?? 1, ...own });
    return key;
  }

  let tokens = 0;
  /** @returns what the sandbox calls the device */
  async function device(userId: string, platform: Platform): Promise<string> {
    const url = `/api/users/${userId}/devices`;
    if (platform === 'fcm') {
      const token = `device-token-${(tokens += 1)}`;
      await stage.send('PUT', url, { platform, token });
      return token;
    }
    const server = { application_server_key: vapid.getPublicKey('base64url') };
    const { id, ...subscription } = await sandbox.ask<{ id: string }>('POST', '/admin/web-push/subscriptions', server);
    await stage.send('PUT', url, { platform, subscription });
    return id;
  }
  async function consenting(): Promise<Contactee> {
    const person = await stage.person();
    const consent = { user_id: person.id, channel: 'push', status: 'granted', source: 'spec' };
    await stage.send('POST', '/api/consents', consent);
    return person;
  }
  async function owner(platform: Platform): Promise<Owner> {
    const person = await consenting();
    return { ...person, device: await device(person.id, platform) };
  }
  async function ask({ id }: Contactee, template = 'note'): Promise<StepAnswer> {
    const [runKey = ''] = await stage.enter(id, 'mails');
    const request = messageRequest({ runKey, userId: id, journeyKey: 'mails' }, template);
    return stage.ask({ ...request, step: { ...request.step, channel: 'push' } as never });
  }
  const deliveries = ({ id }: Contactee): Promise<readonly Delivery[]> =>
    stage.query(
      `select id, state, provider, attempt, provider_message_id as message from deliveries where user_id = $1
        order by id`,
      id,
    );
  const acceptedFor = async (recipient: string): Promise<readonly AcceptedMessage[]> =>
    (await sandbox.accepted()).filter((message) => message.recipient === recipient);
  const states = async ({ id }: Contactee): Promise<readonly string[]> =>
    (await stage.query<{ state: string }>('select state from user_devices where user_id = $1 order by id', id)).map(
      ({ state }) => state,
    );
  const suppressions = ({ id }: Contactee): Promise<readonly object[]> =>
    stage.query(
      `select reason from suppressions where user_id = $1
        or address_hash in (select address_hash from user_devices where user_id = $1)`,
      id,
    );
  const removeAt = (platform: Platform, name: string): Promise<unknown> =>
    platform === 'fcm'
      ? sandbox.accounts({ fcm: { unregistered: [name] } })
      : sandbox.ask('DELETE', `/admin/web-push/subscriptions/${name}`);

  it.each(PLATFORMS)('reach a device by %s, once, with title, text, link and our id', async (platform) => {
    const key = await account(platform);
    const person = await owner(platform);
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    const [delivery, ...others] = await deliveries(person);
    expect([delivery, others]).toMatchObject([{ state: 'sent', provider: key, attempt: 1 }, []]);
    const [taken, ...more] = await acceptedFor(person.device);
    expect(more).toEqual([]);
    const shown = { title: 'Hello Ada', body: 'Grüße, мир' };
    const link = 'https://shop.example/orders';
    if (platform === 'fcm') {
      expect(taken).toMatchObject({ id: delivery?.message, key: delivery?.id, body: { notification: shown } });
      expect(taken?.body).toMatchObject({
        data: { delivery_id: delivery?.id, link },
        webpush: { fcm_options: { link } },
      });
    } else {
      const { text, ...body } = taken?.body as { text: string };
      expect(body).toMatchObject({ is_readable: true, ttl: 14_400 });
      expect(JSON.parse(text)).toEqual({ ...shown, link, delivery_id: delivery?.id });
      expect(taken?.key).toBe(delivery?.id.replaceAll('-', ''));
      expect(delivery?.message).toBe(`${sandbox.url}/webpush/messages/${taken?.id}`);
    }
  });

  it.each(PLATFORMS)('end the device, and not the person, when it is gone (%s)', async (platform) => {
    await account(platform);
    const person = await owner(platform);
    const second = await device(person.id, platform);
    await removeAt(platform, second);
    expect(await ask(person)).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    expect(await deliveries(person)).toMatchObject([{ state: 'bounced' }]);
    expect([await states(person), await suppressions(person)]).toEqual([['active', 'gone'], []]);
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    expect([await acceptedFor(person.device), await acceptedFor(second)]).toMatchObject([[{}], []]);
    await removeAt(platform, person.device);
    expect(await ask(person)).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    expect(await ask(person)).toMatchObject({ kind: 'skip', reason: 'ADDRESS_MISSING' });
    const third = await device(person.id, platform);
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    expect(await acceptedFor(third)).toHaveLength(1);
  });

  it('need a device, and consent for this channel', async () => {
    await account('fcm');
    expect(await ask(await consenting())).toMatchObject({ kind: 'skip', reason: 'ADDRESS_MISSING' });
    const person = await stage.person();
    const token = await device(person.id, 'fcm');
    expect(await ask(person)).toMatchObject({ kind: 'skip', reason: 'CONSENT_MISSING' });
    expect(await acceptedFor(token)).toEqual([]);
  });

  it('ask runs again that wait, when their user becomes reachable', async () => {
    const person = await consenting();
    await stage.enter(person.id, 'mails');
    const woken = `select from outbox join journey_entries using (run_key) where user_id = $1
      and payload -> 'argument' ->> 'because' = 'device_seen'`;
    await device(person.id, 'fcm');
    expect(await stage.query(woken, person.id)).toHaveLength(1);
    await stage.send('PUT', `/api/users/${person.id}/devices`, { platform: 'fcm', token: `device-token-${tokens}` });
    expect(await stage.query(woken, person.id)).toHaveLength(1);
  });

  it.each(
    PLATFORMS.flatMap((platform) =>
      (
        [
          ['says that it is not available', 'error', { status: 503 }],
          ['asks to come back', 'rate_limited', { retry_after_s: 600 }],
          ['does not know us', 'error', { status: 401 }],
        ] as const
      ).map(([what, kind, parameters]) => [platform, what, kind, parameters] as const),
    ),
  )('wait when %s %s, and nothing was sent', async (platform, _what, kind, parameters) => {
    await account(platform);
    await sandbox.faults([{ provider: platform, kind, parameters }]);
    const person = await owner(platform);
    const before = Date.now();
    const answer = await ask(person);
    expect(answer).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
    const laterMs = kind === 'rate_limited' ? 600_000 : 30_000;
    expect('until' in answer ? answer.until : 0).toBeGreaterThanOrEqual(before + laterMs);
    expect([await acceptedFor(person.device), await states(person)]).toEqual([[], ['active']]);
    expect(await deliveries(person)).toMatchObject([{ state: 'released' }]);
  });

  it.each(PLATFORMS)('are in doubt, and not sent again, in every way in which %s can leave us so', async (platform) => {
    await account(platform);
    const ways = [
      ['error', { status: 500 }, 0],
      ['timeout_before', {}, 0],
      ['timeout_after', {}, 1],
      ['reset_before', {}, 0],
      ['reset_after', {}, 1],
      ['malformed', { part: 'head' }, 1],
      ['slow_drip', { bytes: 1, every_ms: 1_000 }, 1],
    ] as const;
    const people = await Promise.all(ways.map(() => owner(platform)));
    await sandbox.faults(
      ways.map(([kind, parameters], index) => ({
        ...{ provider: platform, kind, parameters },
        match: { recipient: people[index]?.device },
      })),
    );
    const answers = await Promise.all(people.map((person) => ask(person)));
    for (const [index, [, , taken]] of ways.entries()) {
      const person = people[index] as Owner;
      expect(answers[index]).toMatchObject({ kind: 'unknown', reason: 'OUTCOME_UNKNOWN' });
      expect(await deliveries(person)).toMatchObject([{ state: 'unknown', attempt: 1 }]);
      expect(await acceptedFor(person.device)).toHaveLength(taken);
      expect(await states(person)).toEqual(['active']);
    }
  });

  it('are in doubt where FCM answers what nobody understands; web push has no answer to misunderstand', async () => {
    await account('fcm');
    await sandbox.faults([{ provider: 'fcm', kind: 'malformed', parameters: { part: 'body' } }]);
    const person = await owner('fcm');
    expect(await ask(person)).toMatchObject({ kind: 'unknown' });
    expect(await acceptedFor(person.device)).toHaveLength(1);
  });

  it.each([
    ['FCM cannot be reached', { base_url: 'http://127.0.0.1:9' }],
    ['no access token is to be had', { token_url: 'http://127.0.0.1:9' }],
  ])('go by the next account of the platform, once, when by the first one %s', async (_what, settings) => {
    await account('fcm', { settings });
    await account('webpush');
    const second = await account('fcm', { priority: 2 });
    const person = await owner('fcm');
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    expect(await deliveries(person)).toMatchObject([{ provider: second, state: 'sent', attempt: 2 }]);
    expect(await acceptedFor(person.device)).toHaveLength(1);
  });

  it('go on with another access token where one has ended early, once', async () => {
    await account('fcm');
    expect(await ask(await owner('fcm'))).toMatchObject({ kind: 'sent' });
    await sandbox.faults([{ provider: 'fcm', kind: 'error', count: 1, parameters: { status: 401 } }]);
    const person = await owner('fcm');
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    expect(await deliveries(person)).toMatchObject([{ state: 'sent', attempt: 2 }]);
    expect(await acceptedFor(person.device)).toHaveLength(1);
  });

  it('wait when the desk for access tokens fails', async () => {
    await account('fcm');
    await sandbox.faults([{ provider: 'fcm_token', kind: 'error', parameters: { status: 500 } }]);
    expect(await ask(await owner('fcm'))).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
  });

  it('go to the device for whose platform there is an account; without one they wait', async () => {
    const person = await owner('webpush');
    const token = await device(person.id, 'fcm');
    expect(await ask(person)).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
    await account('webpush');
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    expect([await acceptedFor(person.device), await acceptedFor(token)]).toMatchObject([[{}], []]);
    expect(await ask(await owner('fcm'))).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
  });

  it('go to the device that is seen last at the claim, and once, when another one is seen meanwhile', async () => {
    await account('fcm');
    const person = await owner('fcm');
    let newer = '';
    const decider = stage.get(StepDecider);
    const prepare = decider.prepare.bind(decider);
    jest.spyOn(decider, 'prepare').mockImplementationOnce(async (...asked) => {
      const opinion = await prepare(...asked);
      newer = await device(person.id, 'fcm');
      return opinion;
    });
    expect(await ask(person)).toMatchObject({ kind: 'sent' });
    expect([await acceptedFor(person.device), await acceptedFor(newer)]).toMatchObject([[], [{}]]);
    expect(await deliveries(person)).toMatchObject([{ state: 'sent', attempt: 1 }]);
  });

  it('are refused, and not sent, when they are too long for a push service', async () => {
    await account('webpush');
    const person = await owner('webpush');
    expect(await ask(person, 'long')).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    expect([await acceptedFor(person.device), await states(person)]).toEqual([[], ['active']]);
    expect(await deliveries(person)).toMatchObject([{ state: 'failed' }]);
  });

  it('do not reach what an erased person had, whoever has it now', async () => {
    await account('fcm');
    const person = await owner('fcm');
    await stage.send('DELETE', `/api/users/${person.id}`);
    const next = await consenting();
    await stage.send('PUT', `/api/users/${next.id}/devices`, { platform: 'fcm', token: person.device });
    expect(await ask(next)).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_ERASURE' });
    expect(await acceptedFor(person.device)).toEqual([]);
  });

  it.each<[string, string, readonly string[]]>([
    ['bounced', 'gone', []],
    ['soft_bounced', 'active', []],
    ['complained', 'active', ['complaint']],
  ])('of which is told that they %s leave the device %s', async (kind, state, reasons) => {
    await account('fcm');
    const person = await owner('fcm');
    await ask(person);
    const [delivery] = await deliveries(person);
    for (let times = 0; times < 2; times += 1) {
      await stage.send('POST', `/api/deliveries/${delivery?.id}/outcomes`, { kind });
    }
    expect(await states(person)).toEqual([state]);
    expect(await suppressions(person)).toEqual(reasons.map((reason) => ({ reason })));
  });
});
