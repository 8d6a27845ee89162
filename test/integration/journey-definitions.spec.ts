import { readFileSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

const end = { kind: 'end', id: 'done', reason: 'done' };
const wait = { kind: 'wait', id: 'rest', duration: 'PT1H' };
const TEMPLATES = '/api/journeys/templates';

const YAML = `# The same journey, for people
key: from_yaml
name: From YAML
exit:
  events: [purchase]
quiet_hours:
  email: { start: 21:00, end: 08:00 }
steps:
  - { kind: wait, id: rest, duration: PT1H }
  - kind: branch
    id: is_pro
    condition: &pro { kind: equals, attribute: attributes.plan, value: pro }
    else: done
  - { kind: branch, id: again, condition: *pro }
  - { kind: end, id: done }
`;

describe('definitions of journeys', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
  });
  afterAll(async () => {
    await app.close();
  });

  const send = async (
    payload: string,
    { type = 'application/yaml', url = TEMPLATES, method = 'POST' as 'POST' | 'PUT' } = {},
  ): Promise<{ readonly status: number; readonly body: object }> => {
    const answer = await app.inject({ method, url, payload, headers: { 'content-type': type } });
    return { status: answer.statusCode, body: answer.json() };
  };

  describe('in YAML', () => {
    it('are the same as in JSON, down to the hash of the version', async () => {
      const stored = await send(YAML);
      expect(stored).toMatchObject({ status: 201, body: { key: 'from_yaml', status: 'draft' } });
      const published = await api.post(`${TEMPLATES}/from_yaml/publish`, {});
      expect(published).toMatchObject({ status: 200, body: { version: 1 } });
      const condition = { kind: 'equals', attribute: 'attributes.plan', value: 'pro' };
      const json = {
        steps: [
          wait,
          { kind: 'branch', id: 'is_pro', condition, else: 'done' },
          { kind: 'branch', id: 'again', condition },
          { kind: 'end', id: 'done' },
        ],
        quiet_hours: { email: { start: '21:00', end: '08:00' } },
        exit: { events: ['purchase'] },
        name: 'From YAML',
        key: 'from_yaml',
      };
      expect((await api.put(`${TEMPLATES}/from_yaml`, json)).status).toBe(200);
      expect((await api.post(`${TEMPLATES}/from_yaml/publish`, {})).body).toEqual(published.body);
    });

    it('replace a draft, as text/yaml and with a charset too', async () => {
      const url = `${TEMPLATES}/from_yaml`;
      for (const type of ['text/yaml', 'application/yaml; charset=utf-8']) {
        const name = `As ${type}`;
        const answer = await send(YAML.replace('From YAML', JSON.stringify(name)), { type, url, method: 'PUT' });
        expect(answer).toMatchObject({ status: 200, body: { name } });
      }
    });

    it.each<[string, string, RegExp]>([
      ['broken text', 'key: a\nsteps: [', /line 2, column \d+/],
      ['a key twice', 'key: a\nname: b\nkey: c\n', /line 3, column 1: the key "key" stands here twice/],
      ['a bomb of aliases', bomb(), /aliases repeat more than 100 values/],
      ['a tag', 'key: !!binary aGk=\n', /line 1, column \d+/],
      ['a key __proto__', '__proto__: { isAdmin: true }\n', /__proto__/],
      ['40 levels', `${'a: {'.repeat(40)}${'}'.repeat(40)}`, /levels|nested/],
    ])('are refused with their place: %s', async (_what, text, detail) => {
      const refused = await send(text);
      expect(refused).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
      expect((refused.body as { detail: string }).detail).toMatch(detail);
    });

    it('are held to the same rules, with the path of each fault', async () => {
      expect(await send('key: a\nname: b\nsteps:\n  - { kind: wait, id: a, duration: 5 }\n')).toMatchObject({
        status: 400,
        body: { code: 'INVALID_INPUT', errors: [{ path: 'steps[0].duration' }] },
      });
      expect(await send('')).toMatchObject({ status: 400 });
    });

    it('are refused above 128 KiB, and below that in good time whatever they hold', async () => {
      expect((await send(`# ${'x'.repeat(131_072)}`)).status).toBe(413);
      expect((await send('['.repeat(131_072))).status).toBe(400);
    });

    it('are taken nowhere else', async () => {
      const refused = await send('external_id: from-yaml', { url: '/api/users' });
      expect(refused).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
    });
  });

  it('are described by a JSON Schema, which is the published file', async () => {
    const file = new URL('../../docs/reference/journey.schema.json', import.meta.url);
    const answer = await api.get('/api/journeys/schema');
    expect(answer).toMatchObject({ status: 200, body: JSON.parse(readFileSync(file, 'utf8')) as object });
  });

  it('are documented for both types of body', async () => {
    const { paths } = (await api.get('/docs-json')).body as {
      readonly paths: Readonly<Record<string, Record<string, { requestBody: { content: object } }>>>;
    };
    for (const operation of [paths[TEMPLATES]?.['post'], paths[`${TEMPLATES}/{id}`]?.['put']]) {
      expect(Object.keys(operation?.requestBody.content ?? {})).toEqual(['application/json', 'application/yaml']);
    }
  });

  it('are refused by their sense with path and code of every fault', async () => {
    const steps = [
      { kind: 'wait', id: 'a' },
      { kind: 'wait', id: 'b', between: ['PT2H', 'PT1H'] },
      { kind: 'branch', id: 'c', branches: [{ condition: { kind: 'event', name: 'x', within: 'soon' }, next: 'a' }] },
      end,
    ];
    expect(await api.post(TEMPLATES, { key: 'wrong', name: 'Wrong', steps })).toMatchObject({
      status: 400,
      body: {
        code: 'JOURNEY_INVALID',
        errors: [
          { path: 'steps[0]', code: 'bad_wait' },
          { path: 'steps[1].between', code: 'bad_wait' },
          { path: 'steps[2].branches[0].condition.within', code: 'bad_duration' },
        ],
      },
    });
  });

  it.each<[string, object, string]>([
    ['an unknown kind', { kind: 'sleep', id: 'a' }, 'steps[0].kind'],
    [
      'an unknown weekday',
      { kind: 'wait', id: 'a', until: { at: '09:00', weekdays: ['funday'] } },
      'steps[0].until.weekdays[0]',
    ],
    ['three bounds', { kind: 'wait', id: 'a', between: ['PT1H', 'PT2H', 'PT3H'] }, 'steps[0].between'],
    [
      'a refusal of both kinds',
      { kind: 'message', id: 'a', channel: 'email', template: 'a', on_refusal: { wait: 'P1D', step: 'b' } },
      'steps[0].on_refusal',
    ],
    ['an object as data', { kind: 'webhook', id: 'a', endpoint: 'b', data: { c: {} } }, 'steps[0].data.c'],
    [
      'an unknown question',
      { kind: 'branch', id: 'a', condition: { kind: 'all', of: [{ kind: 'weather' }] } },
      'steps[0].condition.of[0].kind',
    ],
    [
      'an unknown outcome',
      { kind: 'branch', id: 'a', condition: { kind: 'outcome', step: 'a', is: 'read' } },
      'steps[0].condition.is',
    ],
  ])('are refused by their shape: %s', async (_what, step, path) => {
    const { status, body } = await api.post(TEMPLATES, { key: 'wrong', name: 'Wrong', steps: [step, end] });
    expect({ status, body }).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
    const errors = (body as { errors: { path: string }[] }).errors;
    expect(errors.map((error) => error.path.slice(0, path.length))).toContain(path);
  });

  it('are published only if the journeys that they start exist', async () => {
    const steps = [{ kind: 'start_journey', id: 'go', journey: 'follow_up' }, end];
    expect((await api.post(TEMPLATES, { key: 'leads_on', name: 'Leads on', steps })).status).toBe(201);
    expect(await api.post(`${TEMPLATES}/leads_on/publish`, {})).toMatchObject({
      status: 422,
      body: {
        code: 'UNKNOWN_REFERENCE',
        errors: [{ path: 'steps[0].journey', message: 'there is no journey "follow_up"' }],
      },
    });
    await api.post(TEMPLATES, { key: 'follow_up', name: 'Follow up', steps: [end] });
    expect((await api.post(`${TEMPLATES}/leads_on/publish`, {})).status).toBe(200);
    const itself = [wait, { kind: 'start_journey', id: 'go', journey: 'itself', entry_key: 'again' }, end];
    const definition = { key: 'itself', name: 'Itself', entry: { mode: 'parallel' }, steps: itself };
    expect((await api.post(TEMPLATES, definition)).status).toBe(201);
    expect((await api.post(`${TEMPLATES}/itself/publish`, {})).status).toBe(200);
  });

  it('are published only if the endpoints that they call are registered', async () => {
    const steps = [
      { kind: 'webhook', id: 'tell', endpoint: 'crm' },
      { kind: 'webhook', id: 'ask', endpoint: 'shop' },
      end,
    ];
    expect((await api.post(TEMPLATES, { key: 'calls', name: 'Calls', steps })).status).toBe(201);
    const register = (key: string) =>
      api.post('/api/webhook-endpoints', { key, name: key, url: 'http://127.0.0.1:9/hook' });
    await register('shop');
    expect(await api.post(`${TEMPLATES}/calls/publish`, {})).toMatchObject({
      status: 422,
      body: {
        code: 'UNKNOWN_REFERENCE',
        errors: [{ path: 'steps[0].endpoint', message: 'there is no webhook endpoint "crm"' }],
      },
    });
    await register('crm');
    expect((await api.post(`${TEMPLATES}/calls/publish`, {})).status).toBe(200);
  });
});

function bomb(): string {
  const level = (n: number): string =>
    `l${n}: &l${n} [${Array(9)
      .fill(`*l${n - 1}`)
      .join(', ')}]`;
  return ['l0: &l0 [x]', ...Array.from({ length: 9 }, (_, index) => level(index + 1))].join('\n');
}
