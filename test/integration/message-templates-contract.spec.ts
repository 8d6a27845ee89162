import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MessageTemplatesService } from '../../src/modules/message-templates/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { stageSteps } from '../support/step-stage.js';

const OFFER = '{% promotional %}Half the price today.{% endpromotional %}';
const FOOT = '<p>{{ company.address }} {{ unsubscribe_url }}</p>';
const EMAIL = { subject: 'Paid', html: '<p>Paid</p>', text: 'Paid' };
const SMS = { channel: 'sms', text: 'Paid' };
const PUSH = { channel: 'push', title: 'Paid', body: 'Paid' };
const IN_APP = { ...PUSH, channel: 'in_app' };
const WEBHOOK = { channel: 'webhook', endpoint: 'crm', body: '{"a": 1}' };
const MJML = `<mjml><mj-body><mj-section><mj-column><mj-text>Paid</mj-text><mj-raw>{% if user.name %}</mj-raw>
  <mj-text>${OFFER}</mj-text><mj-raw>{% endif %}</mj-raw></mj-column></mj-section></mj-body></mjml>`;
const MJML_MS_MAX = 120_000;
const CLOSE_MS_MAX = 30_000;

describe('message templates that rest on a contract', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let smtp: TestSmtp;
  let keys = 0;
  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({ SMTP_URL: smtp.url });
    api = clientOf(app);
  });
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  }, CLOSE_MS_MAX);

  const post = (template: object): Promise<Answer> => {
    keys += 1;
    return api.post('/api/message-templates', { key: `contract_${keys}`, ...template });
  };
  async function needsConsent(template: object): Promise<readonly string[]> {
    const answer = await post({ legal_basis: 'contract', ...template });
    expect(answer).toMatchObject({ status: 422, body: { code: 'MARKETING_NEEDS_CONSENT' } });
    expect((await api.get(`/api/message-templates/contract_${keys}`)).status).toBe(404);
    const { errors }: { errors: { path: string }[] } = answer.body;
    return errors.map(({ path }) => path);
  }

  it('are transactional where they do not say what they are for, and others are marketing', async () => {
    expect(await post({ ...EMAIL, legal_basis: 'contract' })).toMatchObject({
      ...{ status: 201, body: { purpose: 'transactional', legal_basis: 'contract' } },
    });
    expect(await post({ ...EMAIL, html: FOOT, text: FOOT })).toMatchObject({
      ...{ status: 201, body: { purpose: 'marketing', legal_basis: 'consent' } },
    });
  });

  it.each(['marketing', 'advertising', 'sale', 'sharing', 'targeting'])('are not for %s', async (purpose) => {
    for (const content of [EMAIL, SMS, PUSH, IN_APP, WEBHOOK]) {
      expect(await needsConsent({ ...content, purpose })).toEqual(['purpose']);
    }
  });

  it('keep to that in their next version', async () => {
    const { body } = await post({ ...SMS, legal_basis: 'contract', purpose: 'orders' });
    const { key }: { key: string } = body;
    for (const change of [{ purpose: 'marketing' }, { purpose: 'orders', text: OFFER }]) {
      const next = { ...SMS, legal_basis: 'contract', ...change };
      expect(await api.put(`/api/message-templates/${key}`, next)).toMatchObject({
        ...{ status: 422, body: { code: 'MARKETING_NEEDS_CONSENT' } },
      });
    }
    expect((await api.get(`/api/message-templates/${key}`)).body).toMatchObject({ version: 1, purpose: 'orders' });
  });

  it.each<[string, object, readonly string[]]>([
    ['the subject', { ...EMAIL, subject: OFFER }, ['subject']],
    ['both parts', { ...EMAIL, html: `<p>Paid</p>${OFFER}`, text: `Paid. ${OFFER}` }, ['html', 'text']],
    ['another language', { ...EMAIL, locales: { 'pt-br': { ...EMAIL, html: OFFER } } }, ['locales.pt-BR.html']],
    ['a text message', { ...SMS, text: `Paid. {% if user.name %}${OFFER}{% endif %}` }, ['text']],
    ['a text message in French', { ...SMS, locales: { fr: { text: OFFER } } }, ['locales.fr.text']],
    ['a notification', { ...PUSH, title: OFFER, body: OFFER }, ['title', 'body']],
    ['an entry of an inbox', { ...IN_APP, body: `{% for a in user.b %}${OFFER}{% endfor %}` }, ['body']],
    ['a webhook', { ...WEBHOOK, body: '{"a": {% promotional %}1{% endpromotional %}}' }, ['body']],
    ['purpose and text', { ...SMS, purpose: 'advertising', text: OFFER }, ['purpose', 'text']],
  ])('hold no promotional block: in %s', async (_where, template, paths) => {
    expect(await needsConsent(template)).toEqual(paths);
  });

  it(
    'hold none in MJML either',
    async () => {
      expect(await needsConsent({ subject: 'Paid', mjml: MJML })).toEqual(['mjml']);
      const locales = { fr: { subject: 'Paid', mjml: MJML } };
      expect(await needsConsent({ ...EMAIL, locales })).toEqual(['locales.fr.mjml']);
    },
    MJML_MS_MAX,
  );

  it('may be looked at with such a block, which those that rest on consent may hold', async () => {
    const text = `{{ company.name }}: ${OFFER} STOP`;
    expect(await api.post('/api/message-templates/preview', { ...SMS, text })).toMatchObject({
      ...{ status: 200, body: { text: ': Half the price today. STOP' } },
    });
    const { status, body } = await post({ ...SMS, text });
    expect([status, body]).toMatchObject([201, { purpose: 'marketing', legal_basis: 'consent', text }]);
    const { key }: { key: string } = body;
    const preview = { user_id: await api.user({ name: 'Ada' }) };
    expect(await api.post(`/api/message-templates/${key}/preview`, preview)).toMatchObject({
      ...{ status: 200, body: { text: expect.stringContaining('Half the price today. STOP') as string } },
    });
  });

  it('and are for marketing, from before this was refused, are shown and sent to nobody until they are put right', async () => {
    const stage = await stageSteps(app);
    const text = `update message_templates set purpose = 'marketing' where key = 'receipt'`;
    await app.get(Database).query({ text, values: [] });
    const person = await stage.person();
    const refusal = { user_id: person.id, channel: 'email', status: 'withdrawn', source: 'spec' };
    expect((await api.post('/api/consents', refusal)).status).toBe(201);

    expect(await person.ask('receipt')).toMatchObject({ kind: 'skip', reason: 'RENDER_FAILED' });
    expect(await smtp.mailsTo(person.email)).toEqual([]);
    const { status, body } = await api.get('/api/message-templates/receipt');
    expect([status, body]).toMatchObject([200, { version: 1, purpose: 'marketing', legal_basis: 'contract' }]);
    expect(await api.post('/api/message-templates/receipt/preview', { user_id: person.id })).toMatchObject({
      status: 422,
      body: { code: 'RENDER_FAILED', detail: expect.stringContaining('purpose: "marketing" needs consent') as string },
    });

    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    await app.get(MessageTemplatesService).onApplicationBootstrap();
    expect(warn.mock.calls).toEqual([[expect.stringContaining('nobody gets them'), { keys: ['receipt'] }]]);

    const next = await api.put('/api/message-templates/receipt', { ...EMAIL, legal_basis: 'contract' });
    expect(next).toMatchObject({ status: 200, body: { version: 2, purpose: 'transactional' } });
    expect(await person.ask('receipt')).toMatchObject({ kind: 'sent' });
    expect(await smtp.mailsTo(person.email)).toHaveLength(1);
    warn.mockClear();
    await app.get(MessageTemplatesService).onApplicationBootstrap();
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});
