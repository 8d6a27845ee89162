import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('reference of reason codes', () => {
  it('holds every code of the closed list, in the words of the list', () => {
    const { status, stderr } = spawnSync(process.execPath, ['tools/reason-docs.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
