import { EmailConnector } from '../../src/modules/deliveries/email.connector.js';
import type { OutboundMessage, SendResult } from '../../src/modules/deliveries/connector.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { until } from '../support/until.js';

const SLOW_MS = 900;
const START_WITHIN_MS = 500;
const GONE_MS_MAX = 5_000;
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
  async function send(outbound: OutboundMessage): Promise<SendResult> {
    const line = await connector.open();
    const result = await line.send(outbound, START_WITHIN_MS);
    line.release();
    return result;
  }
  afterEach(async () => {
    connector.onApplicationShutdown();
    await smtp.stop();
  });

  it('waits for a server that takes its time to greet, and begins the time of a message only then', async () => {
    await start(SLOW_MS);
    expect(await send(message('ada@example.org'))).toMatchObject({ kind: 'accepted' });
    expect((await smtp.mailsTo('ada@example.org')).map(({ subject }) => subject)).toEqual(['Grüße, 你好']);
  });

  it('says unavailable when nobody listens, and rejected in codes that do not repeat the address', async () => {
    await start(0);
    const refused = await send(message('refused@example.org'));
    expect(refused).toMatchObject({ kind: 'rejected' });
    expect(JSON.stringify(refused)).not.toContain('example.org');
    await smtp.stop();
    // The line may be found dead only when it is used: nothing left by it, and a new one may do.
    const isUnavailable = async (): Promise<boolean> => {
      const { kind } = await send(message('ada@example.org'));
      expect(['late', 'unavailable']).toContain(kind);
      return kind === 'unavailable';
    };
    await until(isUnavailable, GONE_MS_MAX, () => 'the end of all lines');
  });

  it('refuses an address that would put a second recipient or a header on the wire', async () => {
    await start(0);
    for (const to of ['a@example.org\r\nRCPT TO:<b@example.org>', 'a@example.org,b@example.org']) {
      await send(message(to));
    }
    expect(smtp.taken.filter((mail) => mail.to === 'b@example.org')).toEqual([]);
  });
});
