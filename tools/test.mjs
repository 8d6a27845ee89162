// `npm test`: runs Jest and always ends with the line `N passed, N failed`, also when Jest dies before it reports.
// Arguments go to Jest: `npm test -- --selectProjects unit --testPathPatterns config`.
import { spawn } from 'node:child_process';
import { findTemporal } from './temporal-binary.mjs';

/** Projects of .config/jest.config.mjs that need a Temporal server. */
const WITH_TEMPORAL = ['workflows', 'e2e'];

// A build takes minutes: it must be over, and seen, before the first test waits for it.
const leftOut = await leftOutProjects();
const jest = ['node_modules/jest/bin/jest.js', '--config', '.config/jest.config.mjs', ...process.argv.slice(2)];
const child = spawn(process.execPath, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...jest], {
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  env: { ...process.env, TZ: 'UTC', TEST_LEFT_OUT: leftOut.projects.join() },
});
let result;
child.on('message', (message) => (result = message));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => {
  if (leftOut.projects.length > 0) sayLoudly(leftOut);
  const passed = result?.passed ?? 0;
  // A suite that cannot load, a set-up that throws: Jest counts no failed test, so we do. In CI what was left out has
  // failed: a machine that lacks a server must not look green.
  const failed = Math.max(result?.failed ?? 0, code === 0 ? 0 : 1) + (process.env.CI ? leftOut.projects.length : 0);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
});

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
