import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSandboxProcess, type SandboxProcess } from '../../support/sandbox.js';
import { postPostmark, postmarkMail, postTwilio } from './senders.js';

const file = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

describe('the process of the sandbox', () => {
  let folder: string;
  let accounts: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tactful-sandbox-accounts-'));
    accounts = path.join(folder, 'accounts.json');
    writeFileSync(accounts, JSON.stringify({ postmark: { server_token: 'from-file' } }));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const runWrongly = (...argv: string[]) =>
    spawnSync(
      process.execPath,
      ['--import', file('../../support/compile-hooks.mjs'), file('../../../src/sandbox/main.ts'), ...argv],
      { encoding: 'utf8', env: { ...process.env, SPEC_COMPILED: folder } },
    );

  it.each([
    [['--http-port', 'x'], /--http-port is no port: x/],
    [['--nonsense'], /nonsense/],
  ])('refuses %j', (argv, expected) => {
    const { status, stdout, stderr } = runWrongly(...argv);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(expected);
  });

  it('refuses accounts that it does not know', () => {
    const wrong = path.join(folder, 'wrong.json');
    writeFileSync(wrong, JSON.stringify({ postmark: { sever_token: 'x' } }));
    const { status, stderr } = runWrongly('--http-port', '0', '--smtp-port', '0', '--accounts', wrong);
    expect(status).toBe(1);
    expect(stderr).toMatch(/sever_token/);
  });

  it('goes by the accounts of its file', async () => {
    const sandbox = await startSandboxProcess('--accounts', accounts);
    expect((await postPostmark(sandbox, postmarkMail('a@example.com'), {}, 'from-file')).status).toBe(200);
    expect((await postPostmark(sandbox, postmarkMail('a@example.com'))).status).toBe(401);
    expect(await sandbox.stop()).toBe(0);
  });

  it('leaves whole lines behind when it is killed, of everything that it accepted', async () => {
    const log = path.join(folder, 'killed.jsonl');
    const sandbox = await startSandboxProcess('--log-file', log);
    let accepted = 0;
    const senders = Array.from({ length: 8 }, async (_, index) => {
      for (;;) {
        const response = await postPostmark(sandbox, postmarkMail(`p${index}@example.com`));
        if (response.status !== 200) throw new Error(`status ${response.status}`);
        accepted += 1;
        if (accepted === 100) sandbox.kill();
      }
    });
    const ends = await Promise.allSettled(senders);
    expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
    const text = readFileSync(log, 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    const entries = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number });
    expect(entries.length).toBeGreaterThanOrEqual(accepted);
    expect(entries.length).toBeLessThanOrEqual(accepted + 8);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
  });

  describe('while it runs', () => {
    let sandbox: SandboxProcess;
    beforeAll(async () => {
      sandbox = await startSandboxProcess();
    });
    afterAll(() => sandbox.stop());

    it('listens on this machine alone', async () => {
      const others = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
      const address = others.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
      // Without a network there is nobody to be hidden from.
      for (const url of address === undefined ? [] : [sandbox.url, sandbox.smtpUrl]) {
        const code = await new Promise((resolve) => {
          const socket = connect(Number(new URL(url).port), address);
          socket.once('connect', () => resolve('connected'));
          socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
        });
        expect(code).toBe('ECONNREFUSED');
      }
    });

    it('says what is wrong with an account, and keeps the ones it has', async () => {
      const wrong = sandbox.ask('PUT', '/admin/accounts', { twilio: { account_sid: 'x' } });
      await expect(wrong).rejects.toThrow(/400 .*account_sid/s);
      const broken = fetch(`${sandbox.url}/admin/accounts`, { method: 'PUT', body: '{' });
      expect((await broken).status).toBe(400);
      expect((await postTwilio(sandbox, { To: '+12025550101', From: '+15005550006', Body: 'x' })).status).toBe(201);
    });
  });
});
