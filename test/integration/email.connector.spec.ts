import { generateKeyPairSync } from 'node:crypto';
import { dkimVerify } from 'mailauth';
import PostalMime from 'postal-mime';
import { EmailConnector } from '../../src/modules/deliveries/email.connector.js';
import type { OutboundMessage, SendResult } from '../../src/modules/deliveries/connector.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { until } from '../support/until.js';

const SLOW_MS = 3_000;
/** Below the above, and enough on a busy machine. */
const START_WITHIN_MS = 2_000;
const GONE_MS_MAX = 30_000;
const options = { from: { name: 'Shop', address: 'shop@example.org' }, domain: 'example.org', dkim: null };
const message = (to: string) => ({
  deliveryId: crypto.randomUUID(),
  to,
  content: { channel: 'email' as const, subject: 'Grüße, 你好', html: '<p>hello</p>', text: 'hello' },
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

  describe('with a key of its own', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const dkim = {
      selector: 's2027',
      privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    };
    const record = `v=DKIM1; k=rsa; p=${publicKey.export({ format: 'der', type: 'spki' }).toString('base64')}`;
    /** By a library of its own, which asks this in place of the DNS. */
    async function verified(
      raw: string,
    ): Promise<{ result: string; domain: string | undefined; headers: readonly string[] }> {
      const { results } = await dkimVerify(Buffer.from(raw), {
        resolver: (name: string) => {
          expect(name).toBe('s2027._domainkey.example.org');
          return Promise.resolve([[record]]);
        },
      });
      const [first] = results;
      if (first === undefined) throw new Error('not signed');
      const headers = first.signingHeaders?.keys?.toLowerCase().split(/\s*:\s*/) ?? [];
      return { result: first.status.result, domain: first.signingDomain, headers };
    }
    async function taken(outbound: OutboundMessage): Promise<string> {
      smtp = await startSmtp();
      connector = new EmailConnector({ ...options, dkim, smtpUrl: smtp.url });
      expect(await send(outbound)).toMatchObject({ kind: 'accepted' });
      return smtp.taken[0]?.raw ?? '';
    }
    const withdraw = `https://shop.example.org/unsubscribe/${'t'.repeat(200)}`;
    const marketing = (subject: string, html: string): OutboundMessage => ({
      ...message('ada@example.org'),
      content: { channel: 'email', subject, html, text: html.replace(/<[^>]+>/g, '') },
      unsubscribeUrl: withdraw,
    });

    it.each([
      ['plain', 'Hello', '<p>Hello</p>'],
      ['umlauts and a name in Chinese', 'Grüße, 你好', '<p>Grüße, 你好</p>'],
      ['from right to left', 'مرحبا بكم', '<p dir="rtl">שלום — مرحبا بكم</p>'],
      ['lines that begin with a dot, and one of 2,000 letters', 'Dots', `<p>.\r\n..\r\n${'x'.repeat(2_000)}</p>`],
      ['nothing at its end, or much', 'End', '<p>end</p>\r\n\r\n\r\n'],
    ])('verifies with an independent verifier: %s', async (_what, subject, html) => {
      const raw = await taken(marketing(subject, html));
      expect(await verified(raw)).toMatchObject({ result: 'pass', domain: 'example.org' });
      const parsed = await PostalMime.parse(raw);
      expect(parsed.subject).toBe(subject);
      expect(parsed.html?.trimEnd()).toBe(html.replaceAll('\r\n', '\n').trimEnd());
    });

    it('covers the headers by which the recipient withdraws, none of which is folded', async () => {
      const raw = await taken(marketing('Hello', '<p>Hello</p>'));
      const { headers } = await verified(raw);
      expect(headers).toEqual(expect.arrayContaining(['from', 'list-unsubscribe', 'list-unsubscribe-post']));
      expect(raw).toContain(`\r\nList-Unsubscribe: <${withdraw}>\r\n`);
      expect(raw).toContain('\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n');
      expect(raw).toMatch(/\r\nContent-Type: multipart\/alternative;/);
      expect(raw.split('\r\n\r\n')[0]).toMatch(/^[\x00-\x7f]*$/);
      expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
    });

    it('covers and does not fold a second way to withdraw, by mail', async () => {
      const mailto = `mailto:out@in.example.org?subject=unsubscribe%20${'t'.repeat(200)}`;
      const raw = await taken({ ...marketing('Hello', '<p>Hello</p>'), unsubscribeMailto: mailto });
      expect(await verified(raw)).toMatchObject({ result: 'pass' });
      expect((await verified(raw)).headers).toContain('list-unsubscribe');
      expect(raw).toContain(`\r\nList-Unsubscribe: <${withdraw}>, <${mailto}>\r\n`);
    });

    it.each([
      ['a header', (raw: string) => raw.replace('One-Click', 'Two-Click')],
      ['the body', (raw: string) => raw.replace('<p>Hello', '<p>Hallo')],
      ['the sender', (raw: string) => raw.replace('shop@example.org', 'shap@example.org')],
    ])('does not verify any more when somebody changes %s', async (_what, change) => {
      const raw = await taken(marketing('Hello', '<p>Hello</p>'));
      const changed = change(raw);
      expect(changed).not.toBe(raw);
      expect((await verified(changed)).result).not.toBe('pass');
    });
  });
});
