import { createProgress, progressLine } from '../../tools/demo/progress.js';

it('draws a bar as full as the work is done', () => {
  const line = progressLine({ label: 'users', done: 6_165, total: 12_330, note: 'half' });
  expect(line).toBe(`  users              ${'█'.repeat(15)}${'░'.repeat(15)} 6,165/12,330  half`);
  expect(progressLine({ label: 'none', done: 0, total: 0, note: '' })).toContain('█'.repeat(30));
});

it('writes a line every tenth where there is no terminal', () => {
  const lines: string[] = [];
  const progress = createProgress('users', 1_000, { write: (text) => lines.push(text) });
  for (let done = 1; done <= 1_000; done += 1) progress.set(done);
  expect(lines).toHaveLength(10);
  progress.end('done');
  expect(lines.at(-1)).toMatch(/1,000\/1,000 {2}done\n$/);
});

it('redraws one line on a terminal, and leaves it when it ends', () => {
  let screen = '';
  const progress = createProgress('users', 10, { isTTY: true, write: (text) => (screen += text) });
  progress.set(1);
  progress.set(2);
  progress.end();
  expect(screen.split('\r').filter(Boolean).length).toBeLessThanOrEqual(3);
  expect(screen.endsWith('10/10\n')).toBe(true);
});
