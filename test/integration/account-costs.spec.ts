import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { consenting, makeActions } from '../support/marketing.js';

const SETUP_MS_MAX = 120_000;

interface Explained {
  readonly id: string;
  readonly explanation: string;
  readonly candidates: readonly {
    readonly action: string;
    readonly channel_cost: number;
    readonly channel_cost_asked_by: string | null;
    readonly net: number;
  }[];
}

describe('what accounts ask, in the worth of an action', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let user: string;

  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    await makeActions(api, 'offer');
    const { body } = await api.get('/api/actions/offer');
    const { name, template } = body as Readonly<Record<string, string>>;
    await api.put('/api/actions/offer', { name, template, value: 5, channel_cost: 2 });
    user = await consenting(api);
  }, SETUP_MS_MAX);
  afterAll(() => app.close());

  async function decided(): Promise<Explained> {
    const { status, body } = await api.post('/api/decisions/next-best-action', { user_id: user });
    if (status !== 201) throw new Error(JSON.stringify(body));
    return body;
  }
  const costs = async (): Promise<readonly unknown[]> =>
    (await decided()).candidates.map((one) => [one.channel_cost, one.channel_cost_asked_by, one.net]);
  async function account(key: string, more: object): Promise<void> {
    const given = { key, kind: 'postmark', credentials: { server_token: 'a-token' }, ...more };
    const { status, body } = await api.post('/api/providers', given);
    if (status !== 201) throw new Error(JSON.stringify(body));
  }

  it('follow the account that would carry the message, from the next decision on, and are kept in its record', async () => {
    expect(await costs()).toEqual([[2, null, 3]]);
    await account('dear', { cost: 1 });
    expect(await costs()).toEqual([[1, 'dear', 4]]);
    await account('cheap', { cost: 0.5 });
    const byCheap = await decided();
    expect(byCheap.candidates).toMatchObject([{ channel_cost: 0.5, channel_cost_asked_by: 'cheap', net: 4.5 }]);
    await account('first', { cost: 0.75, priority: 1 });
    expect(await costs()).toEqual([[0.75, 'first', 4.25]]);
    await account('reports', { kind: 'standard_webhooks', ...{ channel: 'email', cost: 0, priority: 0 }, ...REPORTS });
    expect(await costs()).toEqual([[0.75, 'first', 4.25]]);
    await api.post('/api/providers/first/pause', {});
    expect(await costs()).toEqual([[0.5, 'cheap', 4.5]]);
    await account('silent', { cost: null, priority: 1 });
    expect(await costs()).toEqual([[2, null, 3]]);
    await api.remove('/api/providers/silent');
    await api.put('/api/providers/cheap', { cost: 6 });
    await api.remove('/api/providers/dear');
    const dearer = await decided();
    expect(dearer).toMatchObject({ outcome: 'do_nothing', reason: 'BELOW_THRESHOLD' });
    expect(dearer.explanation).toContain('offer was worth -1 after costs of 6');
    // What was decided at another price is made again at that price.
    expect((await api.get(`/api/decisions/${byCheap.id}/explain`)).body).toMatchObject({
      ...{ explanation: byCheap.explanation, candidates: byCheap.candidates },
    });
    const verified = (await api.get(`/api/decisions/verify?user_id=${user}`)).body;
    expect(verified).toMatchObject({ is_intact: true, made_again: 8, fault_count: 0 });
  });
});

const REPORTS = { credentials: { callback_secret: `whsec_${Buffer.alloc(24).toString('base64')}` } };
