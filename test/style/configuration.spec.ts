import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('configuration reference', () => {
  it('and .env.example say what the table of settings says', () => {
    const { status, stderr } = spawnSync(process.execPath, ['tools/config-docs.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
