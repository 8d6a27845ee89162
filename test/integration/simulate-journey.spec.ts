import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { SimulationResult } from '../../src/modules/simulations/simulation-result.js';
import { createTestApp } from '../support/app.js';
import { clientOf } from '../support/client.js';

const run = promisify(execFile);
const MINUTE_MS = 60_000;

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('npm run simulate:journey', () => {
  let app: NestFastifyApplication;
  let url: string;
  beforeAll(async () => {
    app = await createTestApp();
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    const post = (path: string, payload: object) => app.inject({ method: 'POST', url: path, payload });
    for (const email of ['ada@example.org', 'bob@example.org']) await post('/api/users', { email });
    await post('/api/journeys/templates', {
      key: 'pair',
      name: 'Pair',
      steps: [
        { kind: 'wait_for', id: 'listen', event: 'purchase', timeout: 'P3D', on_event: 'bought', on_timeout: 'quiet' },
        { kind: 'end', id: 'bought', reason: 'bought' },
        { kind: 'end', id: 'quiet', reason: 'quiet' },
      ],
    });
  }, MINUTE_MS);
  afterAll(() => app.close());

  async function say(...args: readonly string[]): Promise<Said> {
    try {
      return { code: 0, ...(await run(process.execPath, ['tools/simulate-journey.mjs', ...args, '--url', url])) };
    } catch (error) {
      return error as Said;
    }
  }

  it('prints the forecast of a draft as a table', async () => {
    const { code, stdout, stderr } = await say('pair', '--days', '5');
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^simulation [0-9a-f-]{36}, from /),
    });
    expect(stdout).toContain('quiet');
    expect(stdout).not.toContain('{');
  });

  it('prints the result as JSON, with drawn events', async () => {
    const { stdout } = await say('pair', '--json', '--days', '5', '--events', '{"purchase":1}', '--limit', '1');
    const result = JSON.parse(stdout) as { users: number; ends: readonly object[] };
    expect(result.users).toBe(1);
    expect(JSON.stringify(result.ends)).toContain('bought');
  });

  it('takes only the users that meet a condition', async () => {
    const where = JSON.stringify({ kind: 'equals', attribute: 'email', value: 'ada@example.org' });
    const { stdout } = await say('pair', '--json', '--where', where);
    expect(JSON.parse(stdout)).toMatchObject({ users: 1 });
  });

  it('tells what another version changes, in both forms: ways, ends, reasons and caps', async () => {
    const api = clientOf(app);
    const listen = { kind: 'wait', id: 'listen', duration: 'P1D' };
    const reply = { kind: 'message', id: 'reply', channel: 'email', template: 'unwanted' };
    const template = { key: 'unwanted', subject: 'x', html: 'x {{ unsubscribe_url }} {{ company.address }}' };
    expect((await api.post('/api/message-templates', template)).status).toBe(201);
    const end = { kind: 'end', id: 'done', reason: 'done' };
    const journey = { key: 'compared', name: 'Compared' };
    expect((await api.post('/api/journeys/templates', { ...journey, steps: [listen, end] })).status).toBe(201);
    await api.post('/api/journeys/templates/compared/publish', {});
    await api.put('/api/journeys/templates/compared', { ...journey, steps: [listen, reply, end] });
    expect((await api.post('/api/journeys/templates/compared/publish', {})).status).toBe(200);
    const asked = ['compared', '--version', '1', '--compare-with', '2'];
    const { stdout } = await say(...asked);
    const told = stdout.slice(stdout.indexOf('What version 2 changes: sent 0; cost 0'));
    expect(told).toMatch(/CONSENT_MISSING +\+2 +0\n/);
    expect(told).toMatch(/ reply +\+2 +0 +\+2 +CONSENT_MISSING \+2\n/);
    expect(told).toMatch(/ +-2 +listen > done\n +\+2 +listen > reply > done\n/);
    const { comparison } = JSON.parse((await say(...asked, '--json')).stdout) as SimulationResult;
    expect(comparison?.differences).toMatchObject({
      silences: { CONSENT_MISSING: 2 },
      put_off: {},
      caps: {},
      steps: { reply: { reasons: { CONSENT_MISSING: 2 } } },
      paths: [{ count: -2 }, { count: 2 }],
      ends: [],
    });
  });

  it.each([
    ['an unknown journey', ['nobody'], 1, '404 JOURNEY_UNKNOWN'],
    ['a wrong length', ['pair', '--days', '900'], 1, 'days: '],
    ['an unknown version', ['pair', '--version', '7'], 1, '404 '],
    ['no journey', [], 2, 'name one journey'],
    ['words for numbers', ['pair', '--days', 'many'], 2, '--days must be a whole number'],
    ['an unknown option', ['pair', '--dayz', '3'], 2, '--dayz'],
    ['what is no JSON', ['pair', '--where', '{'], 2, '--where must be JSON'],
  ])('says what is wrong with %s', async (_what, args, code, text) => {
    const said = await say(...args);
    expect(said).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(text) });
  });

  it('says that nobody answers', async () => {
    const said = await run(process.execPath, [
      'tools/simulate-journey.mjs',
      'pair',
      '--url',
      'http://127.0.0.1:9',
    ]).catch((error: unknown) => error as Said);
    expect(said).toMatchObject({ code: 1, stderr: expect.stringContaining('does not answer') });
  });
});
