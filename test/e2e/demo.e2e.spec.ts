import { createServer, type AddressInfo } from 'node:net';
import { runDemo } from '../../tools/demo/run.js';
import type { DemoOptions } from '../../tools/demo/options.js';
import { startTactful, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;

describe('npm run demo', () => {
  let tactful: Tactful;
  let options: DemoOptions;

  beforeAll(async () => {
    tactful = await startTactful();
    await tactful.app.listen(0, '127.0.0.1');
    options = {
      users: 300,
      enrol: 24,
      seed: 1,
      isRealTime: false,
      concurrency: 8,
      baseUrl: await tactful.app.getUrl(),
      apiKey: null,
      temporalUiUrl: 'http://127.0.0.1:8233',
      temporalNamespace: 'default',
      inboxUrl: null,
    };
  }, 3 * MINUTE_MS);
  afterAll(() => tactful.stop(), 3 * MINUTE_MS);

  async function demo(more: Partial<DemoOptions> = {}): Promise<string> {
    let text = '';
    const code = await runDemo({ ...options, ...more }, { write: (part) => (text += part) });
    expect(code).toBe(0);
    return text;
  }

  const figure = (text: string, name: string): number =>
    Number(new RegExp(`^ +${name} +([\\d,]+)$`, 'm').exec(text)?.[1]?.replaceAll(',', ''));

  it(
    'takes real sessions through two weeks, mails each person what was decided, and twice does no harm',
    async () => {
      const first = await demo();
      expect(first).toContain('SYNTHETIC');
      expect(first).toMatch(/300 new; events: [\d,]+ new; consent records: [\d,]+ new/);
      expect(first).toContain('24 new');
      expect(figure(first, 'runs')).toBe(24);
      expect(figure(first, 'ended, by how')).toBe(24);
      expect(figure(first, 'sent')).toBeGreaterThan(0);
      expect(figure(first, 'silent, by reason')).toBeGreaterThan(0);
      expect(first).toContain('/api/decisions/');
      const mails = tactful.smtp.taken.map(({ raw }) => /^Message-ID: <([^@]+)@/im.exec(raw)?.[1]);
      expect(mails).toHaveLength(figure(first, 'sent'));
      expect(new Set(mails).size).toBe(mails.length);

      const second = await demo();
      expect(second).toContain('0 new, 300 were there');
      expect(second).toContain('consent records: 0 new');
      expect(second).toContain('0 new, 24 were enrolled before');
      expect(second.slice(second.indexOf('What came of it'))).toBe(first.slice(first.indexOf('What came of it')));
      expect(tactful.smtp.taken).toHaveLength(mails.length);
    },
    5 * MINUTE_MS,
  );

  it(
    'waits for real when asked to, and says for what',
    async () => {
      const text = await demo({ isRealTime: true, enrol: 3 });
      expect(figure(text, 'let_them_think: wait')).toBe(3);
      expect(figure(text, 'decided')).toBe(0);
      expect(text).toContain('The runs go on by themselves');
    },
    3 * MINUTE_MS,
  );

  it('says what to do when nobody is there', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const asking = demo({ baseUrl: `http://127.0.0.1:${port}` });
    await expect(asking).rejects.toThrow(/ECONNREFUSED\n.*start it with "npm start" first/);
  });
});
