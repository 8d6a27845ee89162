import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { settings } from '../../src/platform/config/settings.js';
import { localAddress } from '../../tools/dev/address.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Empty and not left out: a `.env` in the project's folder would fill the gap. */
const UNSET = Object.fromEntries(Object.keys(settings).map((name) => [name, '']));

function run(argv: readonly string[], environment: Readonly<Record<string, string>>) {
  const env = { PATH: process.env['PATH'], ...UNSET, ...environment };
  return spawnSync(process.execPath, argv, { cwd: root, encoding: 'utf8', env });
}

describe('npm start and npm run dev', () => {
  it.each([[], ['--watch']])('refuse production, and say what to run (%s)', (...flags) => {
    const { status, stdout, stderr } = run(['tools/dev.mjs', ...flags], { NODE_ENV: 'production' });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^cannot start: NODE_ENV is production/);
    expect(stderr).toContain('"node dist/src/main.js" (API) and "node dist/src/worker.js" (worker)');
  });

  it('name the settings that are wrong, and none that they bring themselves', () => {
    const { status, stderr } = run(['tools/dev.mjs'], { PORT: 'x' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^1 setting is wrong:\n {2}PORT: found "x"/);
  });

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:8000'],
    ['0.0.0.0', 'http://127.0.0.1:8000'],
    ['localhost', 'http://localhost:8000'],
    ['::1', 'http://[::1]:8000'],
    ['::', 'http://[::1]:8000'],
    ['[::1]', 'http://[::1]:8000'],
  ])('reach what listens on %s', (host, url) => {
    expect(localAddress(host, 8000)).toBe(url);
    expect(new URL(`${url}/api/health`).port).toBe('8000');
  });
});

describe('npm run demo', () => {
  it('names the settings that are wrong, and helps all the same', () => {
    const { status, stderr } = run(['tools/demo.mjs'], { PORT: 'x' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/1 setting is wrong:\n {2}PORT: found "x"/);
    expect(run(['tools/demo.mjs', '--help'], { PORT: 'x' })).toMatchObject({ status: 0, stderr: '' });
  });
});
