import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSandboxProcess, type SandboxProcess } from '../../support/sandbox.js';
import { until } from '../../support/until.js';
import { startReceiver, type ReceivedHook, type Receiver } from '../../support/webhook-receiver.js';
import { basic, postTwilio, TWILIO_SID, twilioPath } from './senders.js';

const GOOD = { To: '+12025550101', From: '+15005550006', Body: 'Hello' };

/** By Twilio's documentation: the address, then each name and value in the order of names. */
function signatureOf(token: string, url: string, fields: ReadonlyMap<string, string>): string {
  const text = [...fields.keys()].sort().reduce((sum, name) => `${sum}${name}${fields.get(name)}`, url);
  return createHmac('sha1', token).update(text).digest('base64');
}

const fieldsOf = ({ body }: ReceivedHook): ReadonlyMap<string, string> => new Map(new URLSearchParams(body));

describe('Twilio of the sandbox', () => {
  let sandbox: SandboxProcess;
  let receiver: Receiver;
  const get = (where: string): Promise<Response> =>
    fetch(`${sandbox.url}${where}`, { headers: { authorization: basic(TWILIO_SID, 'sandbox') } });

  beforeAll(async () => {
    [sandbox, receiver] = await Promise.all([startSandboxProcess(), startReceiver()]);
  });
  afterAll(async () => {
    await receiver.stop();
    await sandbox.stop();
  });

  it('the check of this spec agrees with the published vector', () => {
    const fields = new Map([
      ['CallSid', 'CA1234567890ABCDE'],
      ['Digits', '1234'],
      ['To', '+18005551212'],
      ['From', '+12349013030'],
      ['Caller', '+12349013030'],
    ]);
    expect(signatureOf('12345', 'https://mycompany.com/myapp.php?foo=1&bar=2', fields)).toBe(
      '0/KCTR6DLpKmkAf8muzZqo1nDgQ=',
    );
  });

  it('takes a text and answers with its resource', async () => {
    const response = await postTwilio(sandbox, GOOD);
    expect(response.status).toBe(201);
    const message = (await response.json()) as Record<string, unknown>;
    expect(message).toMatchObject({
      account_sid: TWILIO_SID,
      api_version: '2010-04-01',
      body: 'Hello',
      direction: 'outbound-api',
      error_code: null,
      from: '+15005550006',
      num_segments: '1',
      status: 'queued',
      to: '+12025550101',
    });
    expect(message['sid']).toMatch(/^SM[0-9a-f]{32}$/);
    expect(String(message['date_created'])).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/);
    const [entry] = await sandbox.accepted('provider=twilio');
    expect(entry).toMatchObject({ id: message['sid'], recipient: '+12025550101', body: GOOD, key: null });
  });

  it.each([
    [{ To: '' }, 400, 21_604],
    [{ From: '' }, 400, 21_603],
    [{ Body: '' }, 400, 21_602],
    [{ To: '12025550101' }, 400, 21_211],
    [{ To: '+1' }, 400, 21_211],
    [{ From: '+' }, 400, 21_212],
    [{ Body: 'a'.repeat(1_601) }, 400, 21_617],
    [{ StatusCallback: 'example.com' }, 400, 21_609],
  ])('refuses %j with %d and code %d', async (change, status, code) => {
    const before = (await sandbox.accepted('provider=twilio')).length;
    const response = await postTwilio(sandbox, { ...GOOD, ...change });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      code,
      message: expect.any(String),
      more_info: `https://www.twilio.com/docs/errors/${code}`,
      status,
    });
    expect((await sandbox.accepted('provider=twilio')).length).toBe(before);
  });

  it('refuses whoever has another token, or another account', async () => {
    const wrong = await postTwilio(sandbox, GOOD, {}, 'other');
    expect([wrong.status, ((await wrong.json()) as { code: number }).code]).toEqual([401, 20_003]);
    const other = await get(twilioPath.replace(TWILIO_SID, `AC${'1'.repeat(32)}`) + '.json');
    expect(other.status).toBe(401);
  });

  it('says 20429 when it has had too much', async () => {
    await sandbox.faults([{ provider: 'twilio', kind: 'rate_limited', count: 1, parameters: { retry_after_s: 3 } }]);
    const response = await postTwilio(sandbox, GOOD);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3']);
    expect(await response.json()).toMatchObject({ code: 20_429, status: 429 });
  });

  it.each([
    ['a'.repeat(160), '1'],
    ['a'.repeat(161), '2'],
    ['a'.repeat(306), '2'],
    ['a'.repeat(307), '3'],
    ['€'.repeat(80), '1'],
    ['€'.repeat(81), '2'],
    ['я'.repeat(70), '1'],
    ['я'.repeat(71), '2'],
    ['😀'.repeat(35), '1'],
    ['😀'.repeat(36), '2'],
  ])('counts segments', async (body, segments) => {
    const response = await postTwilio(sandbox, { ...GOOD, Body: body });
    expect(await response.json()).toMatchObject({ num_segments: segments });
  });

  it('can be asked for a message by its sid', async () => {
    const { sid } = (await (await postTwilio(sandbox, GOOD)).json()) as { sid: string };
    await until(
      async () =>
        ((await (await get(`${twilioPath}/${sid}.json`)).json()) as { status: string }).status === 'delivered',
      60_000,
      () => 'delivered',
    );
    expect(((await (await get(`${twilioPath}/${sid}.json`)).json()) as { date_sent: string }).date_sent).not.toBeNull();
    const unknown = await get(`${twilioPath}/SM${'0'.repeat(32)}.json`);
    expect([unknown.status, ((await unknown.json()) as { code: number }).code]).toEqual([404, 20_404]);
  });

  it('can be asked which messages went to a number on a day, newest first, in pages', async () => {
    const To = '+12025550199';
    const sids: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      sids.unshift(((await (await postTwilio(sandbox, { ...GOOD, To })).json()) as { sid: string }).sid);
    }
    type Page = { messages: { sid: string }[]; next_page_uri: string | null };
    const day = (offsetDays: number): string =>
      new Date(Date.now() + offsetDays * 86_400_000).toISOString().slice(0, 10);
    const list = async (query: string): Promise<Page> =>
      (await (await get(`${twilioPath}.json?${query}`)).json()) as Page;
    const of = ({ messages }: Page): string[] => messages.map(({ sid }) => sid);
    const to = `To=${encodeURIComponent(To)}`;
    expect(of(await list(`${to}&DateSent>=${day(-1)}`))).toEqual(sids);
    expect(of(await list(`${to}&DateSent>=${day(1)}`))).toEqual([]);
    expect(of(await list(`${to}&DateSent<=${day(-2)}`))).toEqual([]);
    expect(of(await list(`${to}&DateSent=${day(-2)}`))).toEqual([]);
    expect(of(await list(`${to}&DateSent>=${new Date(Date.now() - 600_000).toISOString()}`))).toEqual(sids);
    const first = await list(`${to}&PageSize=2`);
    expect(of(first)).toEqual(sids.slice(0, 2));
    const rest = (await (await get(`/twilio${first.next_page_uri}`)).json()) as Page;
    expect([of(rest), rest.next_page_uri]).toEqual([sids.slice(2), null]);
  });

  it('tells a text that was taken though its sender heard nothing', async () => {
    const To = '+12025550142';
    await sandbox.faults([{ provider: 'twilio', kind: 'reset_after', count: 1 }]);
    await expect(postTwilio(sandbox, { ...GOOD, To })).rejects.toThrow();
    const response = await get(`${twilioPath}.json?To=${encodeURIComponent(To)}`);
    expect(((await response.json()) as { messages: unknown[] }).messages).toHaveLength(1);
  });

  it.each([
    [[], ['queued', 'sending', 'sent', 'delivered'], undefined],
    [[{ provider: 'twilio', kind: 'hard_bounce' }], ['queued', 'sending', 'sent', 'undelivered'], '30005'],
    [[{ provider: 'twilio', kind: 'soft_bounce' }], ['queued', 'sending', 'failed'], '30003'],
  ])('posts signed status callbacks (%j)', async (faults, statuses, errorCode) => {
    await sandbox.faults(faults);
    const url = receiver.url(`/callbacks/${statuses.length}?delivery=d-1&x=${errorCode ?? ''}`);
    const { sid } = (await (await postTwilio(sandbox, { ...GOOD, StatusCallback: url })).json()) as { sid: string };
    const mine = (): ReceivedHook[] => receiver.received.filter((hook) => hook.body.includes(sid));
    await until(
      () => mine().length === statuses.length,
      60_000,
      () => `${mine().length} callbacks`,
    );
    const fields = mine().map(fieldsOf);
    await sandbox.settled();
    const posted = (await sandbox.callbacks()).items.filter(({ ids }) => ids.includes(sid));
    expect(posted.toSorted((one, other) => one.order - other.order).flatMap(({ names }) => names)).toEqual(statuses);
    expect(new Set(fields.map((each) => each.get('MessageStatus')))).toEqual(new Set(statuses));
    const last = fields.find((each) => each.get('MessageStatus') === statuses.at(-1));
    expect(last?.get('ErrorCode')).toBe(errorCode);
    for (const hook of mine()) {
      expect(hook.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/);
      expect(hook.headers['x-twilio-signature']).toBe(signatureOf('sandbox', url, fieldsOf(hook)));
    }
    expect((await sandbox.accepted('provider=twilio')).at(-1)?.key).toBe('d-1');
  });

  it.each([
    ['', 500, 1],
    ['#rc=3&rp=5xx', 500, 4],
    ['#rc=3&rp=5xx', 404, 1],
    ['#rc=2&rp=all', 404, 3],
    ['#rc=2&rp=all', 200, 1],
  ])('posts again as the address %s wants it for %d', async (fragment, status, attempts) => {
    await sandbox.faults([]);
    const path = `/retries-${encodeURIComponent(fragment)}-${status}`;
    receiver.answerWith(status);
    await postTwilio(sandbox, { ...GOOD, StatusCallback: receiver.url(path) + fragment });
    const posted = async () => (await sandbox.callbacks()).items.filter(({ url }) => url.includes(path));
    await until(
      async () => (await posted()).length === 4 * attempts,
      60_000,
      () => 'attempts',
    );
    await sandbox.settled();
    expect((await posted()).map(({ attempt }) => attempt).sort()).toEqual(
      Array.from({ length: attempts }, (_, index) => [1, 1, 1, 1].map((one) => one + index)).flat(),
    );
    const tokens = receiver.received
      .filter((hook) => hook.path === path)
      .map(({ headers }) => headers['i-twilio-idempotency-token']);
    expect([tokens.length, new Set(tokens).size]).toEqual([4 * attempts, 4]);
    receiver.answerWith(200);
  });

  it('blocks whoever texted STOP until START, and tells the webhook for incoming texts', async () => {
    const person = '+12025550177';
    await sandbox.accounts({ twilio: { inbound_url: receiver.url('/inbound') } });
    const text = (body: string): Promise<unknown> =>
      sandbox.ask('POST', '/admin/inbound', { from: person, to: GOOD.From, body });
    await text(' Stop ');
    const refused = await postTwilio(sandbox, { ...GOOD, To: person });
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: 21_610 }]);
    await text('START');
    expect((await postTwilio(sandbox, { ...GOOD, To: person })).status).toBe(201);
    const inbound = (): ReceivedHook[] => receiver.received.filter(({ path }) => path === '/inbound');
    await until(
      () => inbound().length === 2,
      60_000,
      () => 'two texts',
    );
    const [stop] = inbound();
    if (stop === undefined) throw new Error('no text came in');
    expect(Object.fromEntries(fieldsOf(stop))).toMatchObject({ From: person, Body: ' Stop ', OptOutType: 'STOP' });
    expect(stop.headers['x-twilio-signature']).toBe(signatureOf('sandbox', receiver.url('/inbound'), fieldsOf(stop)));
  });
});
