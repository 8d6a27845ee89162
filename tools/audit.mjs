// `npm run audit`: known vulnerabilities of what runs in production. Not part of `npm run check`: its answer changes while
// the code does not, and not every registry gives one.
import { spawnSync } from 'node:child_process';

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
const report = parse(stdout);
if (report?.vulnerabilities === undefined) {
  console.log('not audited: the registry gave no answer');
} else {
  const found = Object.values(report.vulnerabilities);
  for (const { name, severity, range } of found) console.log(`${severity}: ${name} ${range}`);
  console.log(`${found.length} vulnerable packages`);
  process.exitCode = found.length === 0 ? 0 : 1;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
