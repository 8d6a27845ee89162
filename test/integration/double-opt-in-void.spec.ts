import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfirmationMails } from '../../src/modules/consents/confirmation-mail.js';
import { ConfirmationDispatcher } from '../../src/modules/consents/confirmation.dispatcher.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { stall } from '../support/concurrency.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { until } from '../support/until.js';

/** A busy machine takes its time to make the tables and start the API. */
const START_MS_MAX = 120_000;
const MAIL_MS_MAX = 50_000;

describe('a question to confirm that nobody need answer any more', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let smtp: TestSmtp;
  let people = 0;

  beforeAll(async () => {
    smtp = await startSmtp();
    // No poll: only a kick looks for due mails.
    app = await createTestApp({ OUTBOX_POLL_MS: '60000', SMTP_URL: smtp.url });
    api = clientOf(app);
  }, START_MS_MAX);
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  }, START_MS_MAX);

  /** Asked, with the mail still to be sent. */
  async function asked(): Promise<{ id: string; email: string }> {
    people += 1;
    const email = `void-${people}@example.org`;
    const id = await api.user({ email });
    const kick = jest.spyOn(app.get(ConfirmationDispatcher), 'kick').mockReturnValue();
    const question = { channel: 'email', status: 'pending', double_opt_in: true, source: 'footer' };
    expect((await api.post('/api/consents', { user_id: id, ...question })).status).toBe(201);
    kick.mockRestore();
    return { id, email };
  }
  /** Resolves once the confirmation of the person is settled, and tells how. */
  async function settled(id: string): Promise<string> {
    let mail = 'waiting';
    const isSettled = async (): Promise<boolean> => {
      const { data } = (await api.get(`/api/consents/${id}/confirmations`)).body as { data: { mail: string }[] };
      mail = data[0]?.mail ?? 'none';
      return mail !== 'waiting';
    };
    await until(isSettled, MAIL_MS_MAX, () => 'a settled confirmation');
    return mail;
  }

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['objected', (id) => api.post(`/api/consents/${id}/objection`, { source: 'call' })],
    [
      'withdrew',
      (id) => api.post('/api/consents', { user_id: id, channel: 'email', status: 'withdrawn', source: 'x' }),
    ],
    [
      'granted elsewhere',
      (id) => api.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'x' }),
    ],
  ])('sends no mail to a person who %s before it left', async (_what, say) => {
    const { id, email } = await asked();
    await say(id);
    app.get(ConfirmationDispatcher).kick();
    expect(await settled(id)).toBe('void');
    expect(await smtp.mailsTo(email)).toEqual([]);
  });

  it('sends no mail to a person who objects while it is written', async () => {
    const { id, email } = await asked();
    const mails = app.get(ConfirmationMails);
    const writing = stall(mails.write.bind(mails));
    jest.spyOn(mails, 'write').mockImplementationOnce(writing.call);
    app.get(ConfirmationDispatcher).kick();
    await writing.arrived;
    await api.post(`/api/consents/${id}/objection`, { source: 'call' });
    writing.goOn();
    expect(await settled(id)).toBe('void');
    expect(await smtp.mailsTo(email)).toEqual([]);
  });

  it('is asked where it still waits, and no suppression holds any more', async () => {
    const { id, email } = await asked();
    const { body } = await api.post('/api/suppressions', { address: email });
    await api.remove(`/api/suppressions/${(body as { id: string }).id}`);
    app.get(ConfirmationDispatcher).kick();
    expect(await settled(id)).toBe('sent');
    expect(await smtp.mailsTo(email)).toHaveLength(1);
  });
});
