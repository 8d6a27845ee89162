import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MessageTemplatesService } from '../../src/modules/message-templates/index.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';

const CONTENT = {
  subject: 'Hello',
  html: '<p>{{ user.name }}</p> {{ company.address }} <a href="{{ unsubscribe_url }}">out</a>',
  text: '{{ user.name }} {{ company.address }} {{ unsubscribe_url }}',
  missing: 'empty',
};

describe('definitions that operators write', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    await api.post('/api/message-templates', { key: 'welcome', ...CONTENT });
  });
  afterAll(async () => {
    await app.close();
  });

  const actions = async (subject: string): Promise<string[]> => {
    const trail = (await api.get('/api/audit-log?limit=200')).body as { data: { action: string; subject: string }[] };
    return trail.data.filter((entry) => entry.subject === subject).map(({ action }) => action);
  };

  describe('message templates', () => {
    it('grow by versions that never change; the same content makes none', async () => {
      const created = await api.post('/api/message-templates', { key: 'grows', ...CONTENT });
      expect(created).toMatchObject({
        status: 201,
        body: { version: 1, purpose: 'marketing', legal_basis: 'consent' },
      });
      expect(await api.put('/api/message-templates/grows', CONTENT)).toMatchObject({
        status: 200,
        body: { version: 1 },
      });
      const second = await api.put('/api/message-templates/grows', { ...CONTENT, subject: 'Hello again' });
      expect(second).toMatchObject({ status: 200, body: { version: 2 } });
      expect((await api.get('/api/message-templates/grows')).body).toMatchObject({
        version: 2,
        subject: 'Hello again',
      });
      const versions = (await api.get('/api/message-templates/grows/versions')).body as { data: object[] };
      expect(versions.data).toMatchObject([{ version: 2 }, { version: 1, subject: 'Hello' }]);
      const listed = (await api.get('/api/message-templates')).body as { data: { key: string; version: number }[] };
      expect(listed.data.filter(({ key }) => key === 'grows')).toMatchObject([{ version: 2 }]);
      expect(await actions('grows')).toEqual(['message_template.write', 'message_template.write']);
      const rendered = app
        .get(MessageTemplatesService)
        .render({ key: 'grows', version: 1, context: { user: { name: 'Ada' } } });
      expect(await rendered).toMatchObject({ subject: 'Hello', text: 'Ada  ' });
    });

    it('number their versions without a gap or a repetition, however many write at once', async () => {
      await api.post('/api/message-templates', { key: 'raced', ...CONTENT });
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          api.put('/api/message-templates/raced', { ...CONTENT, subject: `S${index}` }),
        ),
      );
      const versions = answers
        .map(({ body }) => (body as { version: number }).version)
        .sort((one, other) => one - other);
      expect(versions).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    });

    it('refuse a syntax error with part, line and column, and a taken key', async () => {
      const broken = await api.post('/api/message-templates', { key: 'broken', ...CONTENT, html: 'a\n{{ user.name' });
      expect(broken).toMatchObject({
        status: 400,
        body: {
          code: 'TEMPLATE_INVALID',
          errors: [{ path: 'html', message: expect.stringContaining('line:2') as string }],
        },
      });
      const lineBreak = await api.post('/api/message-templates', {
        key: 'broken',
        ...CONTENT,
        subject: 'a\r\nBcc: b@example.com',
      });
      expect(lineBreak).toMatchObject({ status: 400, body: { errors: [{ path: 'subject' }] } });
      expect(await api.post('/api/message-templates', { key: 'welcome', ...CONTENT })).toMatchObject({
        status: 409,
        body: { code: 'TEMPLATE_KEY_TAKEN' },
      });
      expect((await api.get('/api/message-templates/broken')).status).toBe(404);
    });

    it('refuse marketing without a way out, but not a message that rests on a contract', async () => {
      const content = { subject: 'Receipt', html: '<p>Paid</p>', text: 'Paid' };
      expect(await api.post('/api/message-templates', { key: 'receipt', ...content })).toMatchObject({
        status: 422,
        body: {
          code: 'MARKETING_INCOMPLETE',
          errors: [{ path: 'html' }, { path: 'html' }, { path: 'text' }, { path: 'text' }],
        },
      });
      const transactional = { key: 'receipt', purpose: 'transactional', legal_basis: 'contract', ...content };
      expect((await api.post('/api/message-templates', transactional)).status).toBe(201);
    });

    it('can be looked at before they are stored', async () => {
      const preview = await api.post('/api/message-templates/preview', {
        ...CONTENT,
        context: { user: { name: '<b>Ada' } },
      });
      expect(preview).toMatchObject({
        status: 200,
        body: { html: expect.stringContaining('<p>&lt;b&gt;Ada</p>') as string },
      });
      const broken = await api.post('/api/message-templates/preview', {
        ...CONTENT,
        subject: '{{ user.name }}',
        context: { user: { name: 'a\nb' } },
      });
      expect(broken).toMatchObject({ status: 422, body: { code: 'RENDER_FAILED' } });
    });
  });

  describe('actions', () => {
    const action = { name: 'Help', template: 'welcome', value: 2, propensity: 0.25 };

    it('are made, replaced, and removed; the version grows and the trail tells who did it', async () => {
      const eligibility = { kind: 'equals', attribute: 'attributes.plan', value: 'pro' };
      const created = await api.post('/api/actions', { key: 'help', ...action, eligibility });
      expect(created).toMatchObject({
        status: 201,
        body: { version: 1, eligibility, is_active: true, context_weight: 0 },
      });
      const replaced = await api.put('/api/actions/help', { ...action, value: 3, is_active: false });
      expect(replaced).toMatchObject({
        status: 200,
        body: { version: 2, value: 3, is_active: false, eligibility: null },
      });
      expect((await api.get('/api/actions/help')).body).toEqual(replaced.body);
      expect((await api.post('/api/actions', { key: 'help', ...action })).body).toMatchObject({
        code: 'ACTION_KEY_TAKEN',
      });
      expect((await api.remove('/api/actions/help')).status).toBe(204);
      expect((await api.remove('/api/actions/help')).status).toBe(404);
      expect(await api.put('/api/actions/help', action)).toMatchObject({
        status: 404,
        body: { code: 'ACTION_UNKNOWN' },
      });
      expect(await actions('help')).toEqual(['action.remove', 'action.change', 'action.create']);
    });

    it.each<[string, object, string]>([
      ['a propensity above 1', { propensity: 1.01 }, 'propensity'],
      ['a context weight of -100', { context_weight: -100 }, 'context_weight'],
      ['a negative value', { value: -1 }, 'value'],
      ['an unknown condition', { eligibility: { kind: 'like', attribute: 'a' } }, 'eligibility.kind'],
      [
        'a fault deep in a condition',
        { eligibility: { kind: 'all', of: [{ kind: 'not', of: { kind: 'exists' } }] } },
        'eligibility.of[0].of.attribute',
      ],
    ])('refuse %s with its path', async (_what, change, path) => {
      const refused = await api.post('/api/actions', { key: 'wrong', ...action, ...change });
      expect(refused).toMatchObject({ status: 400, body: { errors: [{ path }] } });
    });

    it('refuse a template that does not exist', async () => {
      expect(await api.post('/api/actions', { key: 'lost', ...action, template: 'nowhere' })).toMatchObject({
        status: 422,
        body: { code: 'UNKNOWN_REFERENCE', errors: [{ path: 'template' }] },
      });
    });
  });

  it('the kill switch shows who threw it, and is thrown once', async () => {
    const before = (await api.get('/api/controls')).body as { version: number };
    const on = await api.put('/api/controls', { kill_switch: true });
    expect(on).toMatchObject({
      status: 200,
      body: { kill_switch: true, version: before.version + 1, changed_by: 'local' },
    });
    expect((await api.put('/api/controls', { kill_switch: true })).body).toEqual(on.body);
    expect((await api.put('/api/controls', { kill_switch: false })).body).toMatchObject({
      version: before.version + 2,
    });
    expect(await actions('controls')).toEqual(['kill_switch.off', 'kill_switch.on']);
  });
});
