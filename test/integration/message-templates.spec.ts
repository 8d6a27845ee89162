import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MessageTemplatesService, RenderError } from '../../src/modules/message-templates/index.js';
import { Database } from '../../src/platform/database/database.js';
import { migrations } from '../../src/platform/database/migrations/index.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';

const CONTRACT = { legal_basis: 'contract', purpose: 'transactional' };
const FOOT = '{{ company.address }} {{ unsubscribe_url }}';
const EMAIL = { subject: 'Hello {{ user.name | default: "you" }}', html: `<p>Hello</p>${FOOT}`, text: `Hello ${FOOT}` };
const SMS = { channel: 'sms', text: '{{ company.name }}: hello {{ user.name }}. STOP to end' };
const PUSH = {
  channel: 'push',
  title: 'Hello {{ user.name }}',
  body: 'Your order is ready',
  link: 'https://a.example/o',
};
const MJML =
  '<mjml><mj-body><mj-section><mj-column><mj-text>{{ user.name }}</mj-text>FOOT</mj-column></mj-section></mj-body></mjml>';
const MJML_MS_MAX = 120_000;

describe('message templates', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let keys = 0;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
  });
  afterAll(() => app.close());

  const query = <Row extends object>(text: string, ...values: readonly unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values: [...values] });
  const post = (template: object): Promise<Answer> => api.post('/api/message-templates', template);
  async function made(template: object): Promise<string> {
    keys += 1;
    const { status, body } = await post({ key: `made_${keys}`, ...template });
    if (status !== 201) throw new Error(`not made: ${status} ${JSON.stringify(body)}`);
    return `made_${keys}`;
  }
  const refused = async (template: object) => {
    const { status, body } = await post({ key: 'refused', ...template });
    const { code, errors }: { code: string; errors?: { path: string; message: string }[] } = body;
    return { status, code, paths: (errors ?? []).map(({ path }) => path).sort(), errors };
  };
  const preview = (key: string, request: object): Promise<Answer> =>
    api.post(`/api/message-templates/${key}/preview`, request);

  describe('have the parts of their channel', () => {
    it.each<[string, object, object]>([
      ['e-mail', EMAIL, { ...EMAIL, channel: 'email', mjml: null }],
      ['e-mail without a text of its own', { ...EMAIL, text: null }, { ...EMAIL, channel: 'email', text: null }],
      ['text message', SMS, SMS],
      ['notification', PUSH, PUSH],
      ['notification that opens nothing', { ...PUSH, link: undefined }, { ...PUSH, link: null }],
    ])('%s', async (_what, input, view) => {
      const key = await made(input);
      const { body } = await api.get(`/api/message-templates/${key}`);
      expect(body).toMatchObject({ ...view, version: 1, missing: 'refuse', locales: {} });
      const page: { data: object[] } = (await api.get('/api/message-templates')).body;
      expect(page.data[0]).toEqual(body);
    });

    it.each<[string, object, readonly string[]]>([
      ['an e-mail without a body', { subject: 'x' }, ['html']],
      ['an e-mail with two bodies', { ...EMAIL, mjml: MJML }, ['mjml']],
      ['a text message with a subject', { ...SMS, subject: 'x' }, ['subject']],
      ['a text message that says nothing', { channel: 'sms' }, ['text']],
      ['a notification without a title', { ...PUSH, title: undefined }, ['title']],
      ['a line break in a title', { ...PUSH, title: 'a\nb' }, ['title']],
      ['Liquid that cannot be read', { ...PUSH, body: '{{', link: '{{ a' }, ['body', 'link']],
      ['a channel that nobody knows', { ...SMS, channel: 'pigeon' }, ['channel']],
      ['no language', { ...SMS, locales: { 'x y': { text: 'a' } } }, ['locales.x y']],
      ['a language twice', { ...SMS, locales: { fr: SMS.text, FR: SMS.text } }, ['locales.FR', 'locales.fr']],
      ['faults in another language', { ...EMAIL, locales: { fr: { ...EMAIL, html: '{{' } } }, ['locales.fr.html']],
    ])('refuse %s with its path', async (_what, template, paths) => {
      expect(await refused(template)).toMatchObject({ status: 400, paths });
    });

    it('keep their channel for good: actions and journeys name them for it', async () => {
      const key = await made(SMS);
      expect(await api.put(`/api/message-templates/${key}`, EMAIL)).toMatchObject({
        status: 409,
        body: { code: 'TEMPLATE_CHANNEL_FIXED' },
      });
      expect(await api.put(`/api/message-templates/${key}`, SMS)).toMatchObject({ status: 200, body: { version: 1 } });
      const next = await api.put(`/api/message-templates/${key}`, { ...SMS, missing: 'empty' });
      expect(next).toMatchObject({ status: 200, body: { version: 2, missing: 'empty' } });
    });
  });

  it('that ask for consent must say, in every language, who writes and how to end it', async () => {
    expect(await refused({ ...SMS, text: 'News!' })).toMatchObject({
      ...{ status: 422, code: 'MARKETING_INCOMPLETE', paths: ['text', 'text'] },
    });
    expect(await refused({ ...SMS, locales: { fr: { text: 'Nouvelles' }, de: { text: SMS.text } } })).toMatchObject({
      ...{ status: 422, code: 'MARKETING_INCOMPLETE', paths: ['locales.fr.text', 'locales.fr.text'] },
    });
    await made({ ...SMS, ...CONTRACT, text: 'Your code is {{ run.key }}' });
    await made(PUSH);
  });

  it(
    'in MJML are compiled when they are stored, and shown with their source',
    async () => {
      const mjml = MJML.replace('FOOT', `<mj-text>${FOOT}</mj-text>`);
      const key = await made({ subject: 'x', mjml, missing: 'empty' });
      const { body } = await api.get(`/api/message-templates/${key}`);
      expect(body).toMatchObject({
        mjml,
        text: null,
        html: expect.stringContaining('{{ unsubscribe_url }}') as string,
      });
      const broken = await refused({ subject: 'x', mjml: MJML.replace('FOOT', '\n<mj-nonsense />') });
      expect(broken).toMatchObject({
        ...{ status: 400, code: 'TEMPLATE_INVALID', paths: ['mjml'] },
        errors: [{ message: expect.stringMatching(/^Line 2: .*mj-nonsense/) as string }],
      });
      expect(await refused({ subject: 'x', mjml: MJML.replace('FOOT', '') })).toMatchObject({
        status: 422,
        paths: ['html', 'html'],
      });
      const user = await api.user({ name: 'Åsa <b>' });
      expect(await preview(key, { user_id: user })).toMatchObject({
        status: 200,
        body: {
          html: expect.stringContaining('Åsa &lt;b&gt;') as string,
          text: expect.stringContaining('Åsa <b>') as string,
        },
      });
    },
    MJML_MS_MAX,
  );

  describe('are rendered', () => {
    const render = (key: string, user: object, locale?: string) =>
      app.get(MessageTemplatesService).render({
        ...{ key, version: 1, context: { user, company: { name: 'Shop', address: 'A' }, unsubscribe_url: 'U' } },
        ...(locale === undefined ? {} : { locale }),
      });

    it('by channel, in the language of the person', async () => {
      const fr = { text: '{{ company.name }} : bonjour {{ user.name }}. STOP' };
      const key = await made({ ...SMS, locales: { fr, 'pt-br': { text: 'Oi! {{ company.name }} STOP' } } });
      const shown: [object, string | null, string][] = [
        [{ name: 'Ada' }, null, 'Shop: hello Ada. STOP to end'],
        [{ name: 'Ada', locale: 'de' }, null, 'Shop: hello Ada. STOP to end'],
        [{ name: 'Ada', locale: 'fr-CA' }, 'fr', 'Shop : bonjour Ada. STOP'],
        [{ name: 'Ada', locale: 'pt-BR' }, 'pt-BR', 'Oi! Shop STOP'],
        [{ name: 'Ada', locale: 'pt' }, null, 'Shop: hello Ada. STOP to end'],
      ];
      for (const [user, locale, text] of shown) {
        expect(await render(key, user)).toEqual({ channel: 'sms', text, locale });
      }
      expect(await render(key, { name: 'Ada', locale: 'de' }, 'fr')).toMatchObject({ locale: 'fr' });
    });

    it('not at all where a value is missing, unless the template says otherwise', async () => {
      const key = await made(SMS);
      await expect(render(key, {})).rejects.toThrow(RenderError);
      await expect(render(key, { name: null })).rejects.toThrow(/user\.name has no value/);
      expect(await render(await made({ ...SMS, missing: 'empty' }), {})).toMatchObject({
        text: 'Shop: hello . STOP to end',
      });
    });

    it('not at all where the version does not exist', async () => {
      await expect(render('nobody_wrote_this', {})).rejects.toThrow(RenderError);
    });
  });

  describe('can be looked at', () => {
    it('before they are stored, with what their length costs', async () => {
      const content = { ...SMS, context: { user: { name: 'Ж' }, company: { name: 'Shop' } } };
      expect(await api.post('/api/message-templates/preview', content)).toMatchObject({
        status: 200,
        body: { channel: 'sms', text: 'Shop: hello Ж. STOP to end', encoding: 'ucs2', segments: 1, units: 26 },
      });
      expect(await api.post('/api/message-templates/preview', { ...PUSH, missing: 'refuse' })).toMatchObject({
        status: 422,
        body: { code: 'RENDER_FAILED', detail: expect.stringContaining('user.name') as string },
      });
      expect(await api.post('/api/message-templates/preview', { subject: 'x', html: '<p>é' })).toMatchObject({
        status: 200,
        body: { channel: 'email', text: 'é', html_bytes: 5 },
      });
    });

    it('as one person would get them; nothing is sent or kept', async () => {
      const key = await made({
        ...EMAIL,
        html: `<p>{{ user.name }} {{ user.attributes.plan }} {{ run.journey }}</p>${FOOT}`,
      });
      const user = await api.user({ name: 'Ada', locale: 'fr', attributes: { plan: 'pro' } });
      const before = await query(
        'select (select count(*) from deliveries) as sent, (select count(*) from audit_log) as told',
      );
      const shown = await preview(key, { user_id: user });
      expect(shown).toMatchObject({
        status: 200,
        body: {
          ...{ key, version: 1, user_id: user, channel: 'email', locale: null, subject: 'Hello Ada' },
          html: expect.stringContaining('<p>Ada pro preview</p>') as string,
        },
      });
      expect(
        await query('select (select count(*) from deliveries) as sent, (select count(*) from audit_log) as told'),
      ).toEqual(before);
    });

    it('with links as long as real ones, that withdraw nothing', async () => {
      const key = await made({ ...SMS, text: `${SMS.text} {{ unsubscribe_url }}` });
      const { body } = await preview(key, { user_id: await api.user({ name: 'Ada' }) });
      const { text }: { text: string } = body;
      const link = /(\/unsubscribe\/\S+)$/.exec(text)?.[1] ?? '';
      // 32 bytes of ids and the words "marketing sms default" as base64url, a key id, a signature.
      expect(link.replace('/unsubscribe/', '').length).toBeGreaterThan(71 + 43 + 2);
      const before = await query('select count(*) from consent_records');
      const payload = 'List-Unsubscribe=One-Click';
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      expect((await app.inject({ method: 'POST', url: link, headers, payload })).statusCode).toBeLessThan(500);
      expect(await query('select count(*) from consent_records')).toEqual(before);
    });

    it('in another language or version, with values of a run', async () => {
      const key = await made({ ...SMS, locales: { fr: { text: '{{ company.name }} {{ run.responses.code }} STOP' } } });
      await api.put(`/api/message-templates/${key}`, { ...SMS, text: `Now ${SMS.text}` });
      const user_id = `ext:${(await query<{ external_id: string }>('select external_id from users where id = $1', await api.user({ name: 'Ada' })))[0]?.external_id}`;
      const current = await preview(key, { user_id });
      expect(current.body).toMatchObject({ version: 2, text: expect.stringMatching(/^Now /) as string });
      const run = { responses: { code: 'A1' } };
      expect((await preview(key, { user_id, version: 1, locale: 'fr-CH', run })).body).toMatchObject({
        ...{ version: 1, locale: 'fr', text: expect.stringContaining(' A1 STOP') as string },
      });
      expect(await preview(key, { user_id, version: 1, locale: 'fr' })).toMatchObject({
        status: 422,
        body: { code: 'RENDER_FAILED', detail: expect.stringContaining('run.responses.code') as string },
      });
    });

    it('only where there are such a template, version and person', async () => {
      const key = await made(PUSH);
      const user_id = await api.user({ name: 'Ada' });
      const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
      expect(await preview('nobody_wrote_this', { user_id })).toMatchObject({
        status: 404,
        body: { code: 'TEMPLATE_UNKNOWN' },
      });
      expect(await preview(key, { user_id, version: 2 })).toMatchObject({
        status: 404,
        body: { code: 'TEMPLATE_UNKNOWN' },
      });
      expect(await preview(key, { user_id: unknown })).toMatchObject({ status: 404, body: { code: 'USER_UNKNOWN' } });
      expect(await preview(key, { user_id, locale: 'not a tag' })).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'locale' }] },
      });
      await api.remove(`/api/users/${user_id}`);
      expect(await preview(key, { user_id })).toMatchObject({ status: 410, body: { code: 'USER_ERASED' } });
    });
  });

  describe('are named for the channel that they have', () => {
    it('by actions', async () => {
      const template = await made(SMS);
      const action = { name: 'x', template };
      expect((await api.post('/api/actions', { key: `a_${template}`, channel: 'sms', ...action })).status).toBe(201);
      for (const channel of [undefined, 'push']) {
        expect(await api.post('/api/actions', { key: `b_${template}`, channel, ...action })).toMatchObject({
          status: 422,
          body: {
            code: 'UNKNOWN_REFERENCE',
            errors: [{ path: 'channel', message: expect.stringContaining('sms') as string }],
          },
        });
      }
      expect(await api.put(`/api/actions/a_${template}`, { channel: 'email', ...action })).toMatchObject({
        status: 422,
      });
      expect(await api.post('/api/actions', { key: 'c', channel: 'fax', ...action })).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'channel' }] },
      });
    });

    it('by steps of journeys', async () => {
      const [sms, push] = [await made(SMS), await made(PUSH)];
      const publish = async (key: string, ...steps: readonly object[]): Promise<Answer> => {
        const all = [
          ...steps.map((step, index) => ({ kind: 'message', id: `s${index}`, ...step })),
          { kind: 'end', id: 'done' },
        ];
        expect((await api.post('/api/journeys/templates', { key, name: key, steps: all })).status).toBe(201);
        return api.post(`/api/journeys/templates/${key}/publish`, {});
      };
      expect(
        (await publish('right', { channel: 'sms', template: sms }, { channel: 'push', template: push })).status,
      ).toBe(200);
      expect(
        await publish('wrong', { channel: 'sms', template: sms }, { channel: 'email', template: push }),
      ).toMatchObject({
        status: 422,
        body: {
          code: 'UNKNOWN_REFERENCE',
          errors: [{ path: 'steps[1].template', message: expect.stringContaining('push') as string }],
        },
      });
    });
  });

  it('survive the way to their present shape, and the way back', async () => {
    const [email, sms, push] = [await made({ ...EMAIL, locales: { fr: EMAIL } }), await made(SMS), await made(PUSH)];
    const all = [email, sms, push];
    const shown = () =>
      Promise.all(all.map(async (key) => (await api.get(`/api/message-templates/${key}`)).body as object));
    const before = await shown();
    const orm = await MikroORM.init({
      ...{ clientUrl: process.env['DATABASE_URL'] ?? '', entities: [], discovery: { warnWhenNoEntities: false } },
      ...{ extensions: [Migrator], migrations: { migrationsList: migrations, snapshot: false, silent: true } },
    });
    try {
      await orm.migrator.down({ migrations: ['20261122000300-content'] });
      const columns = `select subject, html, text from message_templates where key = any ($1) order by key`;
      expect(await query(columns, all)).toEqual([
        EMAIL,
        { subject: '', html: '', text: SMS.text },
        { subject: PUSH.title, html: '', text: PUSH.body },
      ]);
      await orm.migrator.up();
    } finally {
      await orm.close(true);
    }
    const lost = [{ locales: {} }, {}, { link: null }];
    expect(await shown()).toEqual(before.map((view, index) => ({ ...view, missing: 'empty', ...lost[index] })));
  });
});
