// `npm run check`: the tests and every gate, with its time. All run even if one fails. CI runs exactly this:
// .ci/run calls `npm test` by itself and then this with --without-tests, so that nothing runs twice.
// The last line counts the tests and the gates: `N passed, N failed`.
import { spawn } from 'node:child_process';

/** One after the other; what stands together only reads, and runs at once. */
const GATES = [
  ['check:types', 'check:lint'],
  ['check:imports', 'check:unused', 'check:format'],
  ['build'],
  ['check:chaos'],
];
const stages = process.argv.includes('--without-tests') ? GATES : [['test'], ...GATES];
const COUNTS = /^(\d+) passed, (\d+) failed$/gm;

const rows = [];
for (const stage of stages) rows.push(...(await Promise.all(stage.map((step) => report(step, stage.length === 1)))));
console.log('');
for (const { step, ms, isOk } of rows) {
  console.log(`${isOk ? 'ok    ' : 'FAILED'} ${step.padEnd(14)} ${(ms / 1000).toFixed(1)} s`);
}
const sum = (of) => rows.reduce((total, row) => total + of(row), 0);
console.log(`${sum((row) => row.passed)} passed, ${sum((row) => row.failed)} failed`);
process.exitCode = rows.every(({ isOk }) => isOk) ? 0 : 1;

/** @param isAlone what it says is shown as it comes; else as a whole, at its end */
async function report(step, isAlone) {
  const start = performance.now();
  if (isAlone) console.log(`\n> ${step}`);
  const { isOk, output } = await run(step, isAlone ? (data) => process.stdout.write(data) : () => undefined);
  if (!isAlone) console.log(`\n> ${step}\n${output}`);
  const [, passed, failed] = [...output.matchAll(COUNTS)].at(-1) ?? [undefined, Number(isOk), Number(!isOk)];
  return { step, isOk, passed: Number(passed), failed: Number(failed), ms: performance.now() - start };
}

function run(step, show) {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', step], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (data) => {
        show(data);
        output += data;
      });
    }
    child.once('error', (error) => resolve({ isOk: false, output: error.message }));
    child.once('close', (code) => resolve({ isOk: code === 0, output }));
  });
}
