import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';

const window = { kind: 'calendar', unit: 'day' };
const cap = { kind: 'cap', limit: 1, window };

describe('what policies speak of', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let policies = 0;

  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    const links = '{{ unsubscribe_url }} {{ company.address }}';
    await api.post('/api/message-templates', {
      key: 'news',
      tags: ['weekly'],
      subject: 'News',
      html: `<a href="{{ unsubscribe_url }}">out</a> {{ company.address }}`,
      text: links,
    });
    const action = { name: 'offer', template: 'news', tags: ['promo'], group: 'sales', issue: 'growth' };
    await api.post('/api/actions', { key: 'offer', ...action });
    const steps = [
      { kind: 'message', id: 'hello', channel: 'email', template: 'news' },
      { kind: 'end', id: 'done' },
    ];
    await api.post('/api/journeys/templates', { key: 'one', name: 'one', steps });
  });
  afterAll(async () => {
    await app.close();
  });

  function put(definition: object): Promise<Answer> {
    policies += 1;
    return api.post('/api/policies', { key: `policy_${policies}`, definition });
  }
  const warned = async (definition: object): Promise<readonly string[]> => {
    const { status, body } = await put(definition);
    expect(status).toBe(201);
    return (body as { warnings: { path: string }[] }).warnings.map(({ path }) => path);
  };

  it('are journeys that exist', async () => {
    const unknown = { ...cap, scope: { kind: 'journey', journey: 'onee' } };
    const refusal = {
      status: 422,
      body: { code: 'UNKNOWN_REFERENCE', errors: [{ path: 'definition.scope.journey' }] },
    };
    expect(await put(unknown)).toMatchObject(refusal);
    const known = { ...cap, scope: { kind: 'journey', journey: 'one' } };
    expect(await put(known)).toMatchObject({ status: 201, body: { warnings: [] } });
    const key = `policy_${policies}`;
    const change = await api.put(`/api/policies/${key}`, unknown);
    expect(change).toMatchObject({ status: 422, body: { errors: [{ path: 'scope.journey' }] } });
    expect((await api.get(`/api/policies/${key}`)).body).toMatchObject({ version: 1, is_active: true });
  });

  it.each<[string, object, readonly string[]]>([
    ['purposes of templates', { ...cap, purposes: ['marketing'] }, []],
    ['a purpose of none', { ...cap, purposes: ['marketing', 'marketting'] }, ['purposes[1]']],
    ['no purpose at all', { kind: 'quiet_hours', start: '21:00', end: '08:00' }, []],
    ['a tag of an action', { ...cap, scope: { kind: 'tag', tag: 'promo' } }, []],
    ['a tag of a template', { ...cap, scope: { kind: 'tag', tag: 'weekly' } }, []],
    ['a tag of nothing', { ...cap, scope: { kind: 'tag', tag: 'promos' } }, ['scope.tag']],
    ['a group', { ...cap, scope: { kind: 'group', group: 'sales' } }, []],
    ['a group of no action', { ...cap, scope: { kind: 'group', group: 'sale' } }, ['scope.group']],
    ['a group that is weighed', { kind: 'lever', target: 'group', name: 'sales', weight: 1 }, []],
    ['a group of no action, weighed', { kind: 'lever', target: 'group', name: 'growth', weight: 1 }, ['name']],
    ['an issue that is weighed', { kind: 'lever', target: 'issue', name: 'growth', weight: 1 }, []],
    ['an issue of no action', { kind: 'lever', target: 'issue', name: 'sales', weight: 1 }, ['name']],
  ])('may be %s: put in force, with a warning where nothing has it', async (_what, definition, expected) => {
    expect(await warned(definition)).toEqual(expected.map((path) => `definition.${path}`));
    const change = await api.put(`/api/policies/policy_${policies}`, definition);
    expect((change.body as { warnings: { path: string }[] }).warnings.map(({ path }) => path)).toEqual(expected);
  });
});
