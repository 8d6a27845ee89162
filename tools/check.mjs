// `npm run check`: the tests and every gate in turn, with its time. All run even if one fails. CI runs exactly this:
// .ci/run calls `npm test` by itself and then this with --without-tests, so that nothing runs twice.
// The last line counts the tests and the gates: `N passed, N failed`.
import { spawn } from 'node:child_process';

const GATES = ['check:imports', 'check:format', 'check:types', 'check:unused', 'check:lint', 'build', 'check:chaos'];
const steps = process.argv.includes('--without-tests') ? GATES : ['test', ...GATES];
const COUNTS = /^(\d+) passed, (\d+) failed$/gm;

const rows = [];
for (const step of steps) {
  console.log(`\n> ${step}`);
  const start = performance.now();
  const { isOk, output } = await run(step);
  const [, passed, failed] = [...output.matchAll(COUNTS)].at(-1) ?? [undefined, Number(isOk), Number(!isOk)];
  rows.push({ step, isOk, passed: Number(passed), failed: Number(failed), ms: performance.now() - start });
}
console.log('');
for (const { step, ms, isOk } of rows) {
  console.log(`${isOk ? 'ok    ' : 'FAILED'} ${step.padEnd(14)} ${(ms / 1000).toFixed(1)} s`);
}
const sum = (of) => rows.reduce((total, row) => total + of(row), 0);
console.log(`${sum((row) => row.passed)} passed, ${sum((row) => row.failed)} failed`);
process.exitCode = rows.every(({ isOk }) => isOk) ? 0 : 1;

function run(step) {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', step], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data) => {
      process.stdout.write(data);
      output += data;
    });
    child.once('error', (error) => resolve({ isOk: false, output: error.message }));
    child.once('close', (code) => resolve({ isOk: code === 0, output }));
  });
}
