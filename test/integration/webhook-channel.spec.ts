import { jest } from '@jest/globals';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { ContactStage, messageRequest, type Contactee } from '../support/contact-stage.js';
import { isSignedBy, startReceiver, type ReceivedHook, type Receiver } from '../support/webhook-receiver.js';

/** Messages of which nobody knows what became of them are repeated after a while. */
jest.setTimeout(300_000);

describe('messages to endpoints', () => {
  let stage: ContactStage;
  let receiver: Receiver;
  let secret = '';

  beforeAll(async () => {
    [stage, receiver] = await Promise.all([ContactStage.open(1, 6), startReceiver()]);
    ({ secret } = await stage.send<{ secret: string }>('POST', '/api/webhook-endpoints', {
      ...{ key: 'crm', name: 'CRM', url: receiver.url() },
    }));
    await stage.template('mail');
    await stage.journey('mails', 'mail');
    await made({
      key: 'note',
      body: '{"type": "offer", "name": {{ user.name }}, "plan": {{ user.attributes.plan }}, "out": {{ unsubscribe_url }}}',
      missing: 'empty',
    });
    await made({ key: 'nowhere', endpoint: 'nobody', body: '{"out": {{ unsubscribe_url }}}' });
    await made({ key: 'strict', body: '{"plan": {{ user.attributes.plan }}, "out": {{ unsubscribe_url }}}' });
  });
  afterAll(async () => {
    await stage.close();
    await receiver.stop();
  });
  beforeEach(() => {
    receiver.received.length = 0;
    receiver.answerWith(200);
  });

  const template = (content: object): object => ({ channel: 'webhook', endpoint: 'crm', ...content });
  const made = (content: object): Promise<unknown> =>
    stage.send('POST', '/api/message-templates', template({ key: 'x', ...content }));
  async function person(name = 'Ada'): Promise<Contactee> {
    const one = await stage.person();
    await stage.send('PUT', `/api/users/${one.id}`, { name });
    const consent = { user_id: one.id, channel: 'webhook', status: 'granted', source: 'spec' };
    await stage.send('POST', '/api/consents', consent);
    return one;
  }
  async function ask({ id }: Contactee, key = 'note'): Promise<StepAnswer> {
    const [runKey = ''] = await stage.enter(id, 'mails');
    const request = messageRequest({ runKey, userId: id, journeyKey: 'mails' }, key);
    return stage.ask({ ...request, step: { ...request.step, channel: 'webhook' } as never });
  }
  const deliveries = ({ id }: Contactee): Promise<readonly { readonly id: string }[]> =>
    stage.query('select id, state, provider, attempt, failure from deliveries where user_id = $1 order by id', id);
  const ids = (): readonly unknown[] => receiver.received.map(({ headers }) => headers['webhook-id']);

  it('go once, signed, with the id of their delivery, and with every value as JSON', async () => {
    const whom = await person('Ada "the" \\ {first}, "admin": true');
    expect(await ask(whom)).toMatchObject({ kind: 'sent' });
    const [delivery, ...others] = await deliveries(whom);
    expect([delivery, others]).toMatchObject([{ state: 'sent', provider: 'webhook', attempt: 1 }, []]);
    expect(ids()).toEqual([delivery?.id]);
    const [hook] = receiver.received as [ReceivedHook];
    expect(await isSignedBy(secret, hook)).toBe(true);
    expect(JSON.parse(hook.body)).toEqual({
      ...{ type: 'offer', name: 'Ada "the" \\ {first}, "admin": true', plan: null },
      out: expect.stringMatching(/^http.*\/unsubscribe\//) as string,
    });
  });

  it('need consent for their channel, and values that their template insists on', async () => {
    expect(await ask(await stage.person())).toMatchObject({ kind: 'skip', reason: 'CONSENT_MISSING' });
    expect(await ask(await person(), 'strict')).toMatchObject({ kind: 'skip', reason: 'RENDER_FAILED' });
    expect(ids()).toEqual([]);
  });

  it.each([
    ['text around a value', '{"a": "Hello {{ user.name }}"}', /no JSON object/],
    ['a comma too many', '{"a": 1,}', /no JSON object/],
    ['a list', '[{{ unsubscribe_url }}]', /no JSON object/],
    ['a name that is mistyped', '{"a": {{ usr.name }}}', /"usr" is not known here/],
  ])('are refused when they are written, with %s', async (_what, body, message) => {
    const payload = template({ key: 'wrong', body });
    const refused = await stage.inject({ method: 'POST', url: '/api/message-templates', payload });
    expect([refused.statusCode, refused.json()]).toMatchObject([
      400,
      { code: 'TEMPLATE_INVALID', errors: [{ path: 'body', message: expect.stringMatching(message) as string }] },
    ]);
  });

  it('are refused when nobody could withdraw by them', async () => {
    const payload = template({ key: 'wrong', body: '{"a": 1}' });
    const refused = await stage.inject({ method: 'POST', url: '/api/message-templates', payload });
    expect([refused.statusCode, refused.json()]).toMatchObject([422, { code: 'MARKETING_INCOMPLETE' }]);
  });

  it.each<[string, number | 'cut']>([
    ['cuts the connection', 'cut'],
    ['fails', 500],
  ])('are sent again under the same id where the endpoint %s, and counted once', async (_what, way) => {
    let asked = 0;
    receiver.answerAs(() => {
      asked += 1;
      return asked === 1 ? way : 200;
    });
    const whom = await person();
    expect(await ask(whom)).toMatchObject({ kind: 'sent' });
    const [delivery] = await deliveries(whom);
    expect(delivery).toMatchObject({ state: 'sent', attempt: 1 });
    expect(ids()).toEqual([delivery?.id, delivery?.id]);
  });

  it.each<number | 'cut'>([503, 429, 400, 'cut'])(
    'stay in doubt where the first answer left them so, whatever is said later (%s)',
    async (later) => {
      let asked = 0;
      receiver.answerAs(() => {
        asked += 1;
        return asked === 1 ? 500 : later;
      });
      const whom = await person();
      expect(await ask(whom)).toMatchObject({ kind: 'unknown' });
      expect(await deliveries(whom)).toMatchObject([{ state: 'unknown', attempt: 1 }]);
      expect(new Set(ids()).size).toBe(1);
    },
  );

  it.each([
    [503, 'released', { kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' }],
    [429, 'released', { kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' }],
    [409, 'released', { kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' }],
    [400, 'failed', { kind: 'skip', reason: 'PROVIDER_REJECTED' }],
  ])('answered with %i are %s', async (status, state, answer) => {
    receiver.answerWith(status);
    const whom = await person();
    expect(await ask(whom)).toMatchObject(answer);
    expect(await deliveries(whom)).toMatchObject([{ state }]);
    expect(receiver.received).toHaveLength(1);
  });

  it('wait for as long as the endpoint asks', async () => {
    receiver.answerWith(429, undefined, { 'retry-after': '600' });
    const before = Date.now();
    const answer = await ask(await person());
    expect('until' in answer ? answer.until : 0).toBeGreaterThanOrEqual(before + 600_000);
  });

  it('wait where the endpoint cannot be reached: nothing was sent', async () => {
    const url = 'http://127.0.0.1:9/hook';
    await stage.send('POST', '/api/webhook-endpoints', { key: 'down', name: 'Down', url });
    await made({ key: 'unreached', endpoint: 'down', body: '{"out": {{ unsubscribe_url }}}' });
    const whom = await person();
    expect(await ask(whom, 'unreached')).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
    expect(await deliveries(whom)).toMatchObject([{ state: 'released' }]);
    // One endpoint that is down keeps nobody else's messages back.
    for (let failure = 0; failure < 5; failure += 1) await ask(await person(), 'unreached');
    expect(await ask(await person())).toMatchObject({ kind: 'sent' });
  });

  it('are given up where there is no such endpoint, or it is gone for good', async () => {
    expect(await ask(await person(), 'nowhere')).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    await stage.send('POST', '/api/webhook-endpoints', { key: 'gone', name: 'Gone', url: receiver.url('/gone') });
    await made({ key: 'to_gone', endpoint: 'gone', body: '{"out": {{ unsubscribe_url }}}' });
    receiver.answerWith(410);
    for (let times = 0; times < 2; times += 1) {
      expect(await ask(await person(), 'to_gone')).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
    }
    expect(receiver.received).toHaveLength(1);
  });

  it('of which a refusal of the person is told suppress the person, on this channel only', async () => {
    const whom = await person();
    const answer = await ask(whom);
    const id = 'deliveryId' in answer ? answer.deliveryId : '';
    await stage.send('POST', `/api/deliveries/${id}/outcomes`, { kind: 'bounced' });
    expect(
      await stage.query(
        'select reason, channel, address_hash as "addressHash" from suppressions where user_id = $1',
        whom.id,
      ),
    ).toEqual([{ reason: 'hard_bounce', channel: 'webhook', addressHash: null }]);
    expect(await ask(whom)).toMatchObject({ kind: 'skip', reason: 'SUPPRESSED_HARD_BOUNCE' });
    expect((await deliveries(whom)).length).toBe(1);
  });
});
