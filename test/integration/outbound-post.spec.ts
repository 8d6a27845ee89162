import { ForbiddenAddressError } from '../../src/platform/outbound/guarded-request.js';
import { post } from '../../src/platform/outbound/post.js';
import { startReceiver, type Receiver } from '../support/webhook-receiver.js';

const MS_MAX = 5_000;

describe('a POST to an address that somebody else chose', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver();
  });
  afterAll(() => receiver.stop());
  beforeEach(() => {
    receiver.received.length = 0;
    receiver.answerWith(200);
  });

  const send = (url: string, more: object = {}) =>
    post({ url, headers: {}, body: '{"ä":1}', msMax: MS_MAX, answerBytesMax: 100, isPrivateAllowed: true, ...more });

  it('brings the whole body, and the answer back', async () => {
    receiver.answerWith(201, { ok: true }, { 'x-more': '1' });
    expect(await send(receiver.url('/a?b=c'), { headers: { 'x-id': '7' } })).toMatchObject({
      status: 201,
      headers: { 'x-more': '1' },
      body: '{"ok":true}',
    });
    expect(receiver.received).toMatchObject([{ path: '/a?b=c', headers: { 'x-id': '7' }, body: '{"ä":1}' }]);
  });

  it('follows no redirect', async () => {
    receiver.answerWith(307, undefined, { location: receiver.url('/elsewhere') });
    expect(await send(receiver.url())).toMatchObject({ status: 307 });
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook']);
  });

  it('reads no more of an answer than was asked for', async () => {
    receiver.answerWith(200, 'x'.repeat(98));
    expect(await send(receiver.url())).toMatchObject({ body: JSON.stringify('x'.repeat(98)) });
    receiver.answerWith(200, 'x'.repeat(99));
    expect(await send(receiver.url())).toMatchObject({ status: 200, body: null });
  });

  it('waits no longer than it was told, and hears of a connection that breaks', async () => {
    receiver.answerBy('silence');
    await expect(send(receiver.url(), { msMax: 50 })).rejects.toThrow();
    receiver.answerBy('cut');
    await expect(send(receiver.url())).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it.each([
    'https://127.0.0.1:PORT/',
    'https://localhost:PORT/',
    'https://0x7f000001:PORT/',
    'https://2130706433:PORT/',
    'https://127.1:PORT/',
    'https://[::1]:PORT/',
    'https://[::ffff:127.0.0.1]:PORT/',
    'https://169.254.169.254/latest/meta-data',
    'https://10.0.0.1/',
    'http://127.0.0.1:PORT/',
    'http://8.8.8.8/',
  ])('is never made to %s', async (text) => {
    const url = text.replace('PORT', String(receiver.port));
    await expect(send(url, { isPrivateAllowed: false })).rejects.toThrow(ForbiddenAddressError);
    expect(receiver.received).toEqual([]);
  });
});
