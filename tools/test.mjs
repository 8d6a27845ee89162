// `npm test`: runs Jest and always ends with the line `N passed, N failed`, also when Jest dies before it reports.
// Arguments go to Jest: `npm test -- --selectProjects unit --testPathPatterns config`.
import { spawn } from 'node:child_process';
import { findTemporal } from './temporal-binary.mjs';

/** Projects of .config/jest.config.mjs that need a Temporal server. */
const WITH_TEMPORAL = ['workflows', 'e2e'];

/** What needs none: each Jest worker has a database of its own, so there is one worker for each processor. */
const WITHOUT_TEMPORAL = ['unit', 'integration', 'replay'];

// A build takes minutes: it must be over, and seen, before the first test waits for it.
const leftOut = await leftOutProjects();
const given = process.argv.slice(2);
// One after the other; what stands together runs at once.
const stages = given.length > 0 ? [[given]] : [[[...select(WITHOUT_TEMPORAL), '--maxWorkers=100%']], ...withTemporal()];
let passed = 0;
let failed = 0;
for (const stage of stages) {
  // Of those that run at once only the last is seen as it goes; the others are shown as a whole.
  const results = await Promise.all(stage.map((run, index) => jest(run, { isSeen: index === stage.length - 1 })));
  for (const result of results) {
    passed += result.passed;
    failed += result.failed;
  }
}
if (leftOut.projects.length > 0) sayLoudly(leftOut);
// In CI what was left out has failed: a machine that lacks a server must not look green.
if (process.env.CI) failed += leftOut.projects.length;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function select(projects) {
  return ['--selectProjects', ...projects];
}

/** Specs of one project share a server, and what they leave on it is seen by all: one worker each. */
function withTemporal() {
  if (leftOut.projects.length > 0) return [];
  const runs = WITH_TEMPORAL.map((project) => [...select([project]), '--maxWorkers=1']);
  // Each starts a server of its own, unless it was given one.
  return process.env.TEMPORAL_ADDRESS ? runs.map((run) => [run]) : [runs];
}

function jest(more, { isSeen }) {
  const argv = ['node_modules/jest/bin/jest.js', '--config', '.config/jest.config.mjs', ...more];
  const child = spawn(
    process.execPath,
    ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...argv],
    {
      stdio: isSeen ? ['inherit', 'inherit', 'inherit', 'ipc'] : ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, TZ: 'UTC', TEST_LEFT_OUT: leftOut.projects.join() },
    },
  );
  const unseen = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => unseen.push(data));
  let counts;
  child.on('message', (message) => (counts = message));
  const passOn = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, passOn);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, passOn);
      process.stdout.write(Buffer.concat(unseen));
      // A suite that cannot load, a set-up that throws: Jest counts no failed test, so we do.
      const lost = code === 0 ? 0 : 1;
      resolve({ passed: counts?.passed ?? 0, failed: Math.max(counts?.failed ?? 0, lost) });
    });
  });
}

async function leftOutProjects() {
  const projects = WITH_TEMPORAL.filter(isSelected);
  if (projects.length === 0 || process.env.TEMPORAL_ADDRESS) return { projects: [] };
  try {
    await findTemporal();
    return { projects: [] };
  } catch (error) {
    return { projects, reason: error.message };
  }
}

function isSelected(project) {
  const at = process.argv.indexOf('--selectProjects');
  if (at < 0) return true;
  const names = process.argv.slice(at + 1);
  const end = names.findIndex((name) => name.startsWith('-'));
  return names.slice(0, end < 0 ? undefined : end).includes(project);
}

function sayLoudly({ projects, reason }) {
  const bar = '!'.repeat(100);
  console.log(`\n${bar}\nNOT TESTED: ${projects.join(', ')}, because there is ${reason}\n${bar}\n`);
}
