import { EmailConnector } from '../../src/modules/deliveries/email.connector.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';

const SLOW_MS = 900;
const options = { from: { name: 'Shop', address: 'shop@example.org' }, domain: 'example.org' };
const message = (to: string) => ({
  deliveryId: crypto.randomUUID(),
  to,
  subject: 'Grüße, 你好',
  html: '<p>hello</p>',
  text: 'hello',
  unsubscribeUrl: null,
});

describe('EmailConnector', () => {
  let smtp: TestSmtp;
  let connector: EmailConnector;
  async function start(greetsAfterMs: number): Promise<void> {
    smtp = await startSmtp({ greetsAfterMs });
    connector = new EmailConnector({ ...options, smtpUrl: smtp.url });
  }
  afterEach(async () => {
    connector.onApplicationShutdown();
    await smtp.stop();
  });

  it('waits for a server that takes its time to greet', async () => {
    await start(SLOW_MS);
    expect(await connector.send(message('ada@example.org'))).toMatchObject({ kind: 'accepted' });
    expect((await smtp.mailsTo('ada@example.org')).map(({ subject }) => subject)).toEqual(['Grüße, 你好']);
  });

  it('says unavailable when nobody listens, and rejected in codes that do not repeat the address', async () => {
    await start(0);
    const refused = await connector.send(message('refused@example.org'));
    expect(refused).toMatchObject({ kind: 'rejected' });
    expect(JSON.stringify(refused)).not.toContain('example.org');
    await smtp.stop();
    expect(await connector.send(message('ada@example.org'))).toMatchObject({ kind: 'unavailable' });
  });

  it('refuses an address that would put a second recipient or a header on the wire', async () => {
    await start(0);
    for (const to of ['a@example.org\r\nRCPT TO:<b@example.org>', 'a@example.org,b@example.org']) {
      await connector.send(message(to));
    }
    expect(smtp.taken.filter((mail) => mail.to === 'b@example.org')).toEqual([]);
  });
});
