// What the machine did while something was measured: a figure without its load says little where others run too.
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';

const TICKS_PER_SECOND = 100;
const STEAL = 7;
const IDLE = [3, 4];

/** Begins to watch; the answer tells of the time since then. */
export function watchMachine() {
  const before = processors();
  return () => {
    const spent = processors().map((ticks, index) => ticks - before[index]);
    const all = spent.reduce((sum, ticks) => sum + ticks, 0);
    const idle = IDLE.reduce((sum, index) => sum + spent[index], 0);
    const percent = (ticks) => `${Math.round((100 * ticks) / all)} %`;
    const load = os.loadavg()[0].toFixed(1);
    return `load ${load} on ${os.cpus().length} processors, ${percent(all - idle)} busy, ${percent(spent[STEAL])} stolen`;
  };
}

/** Ticks of all processors: user, nice, system, idle, iowait, irq, softirq, steal. */
function processors() {
  const [line] = readFileSync('/proc/stat', 'utf8').split('\n');
  return line.trim().split(/\s+/).slice(1, 9).map(Number);
}

/** CPU seconds of a process so far with those of its children that ended, and its resident memory in MB. */
export function processFigures(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { cpuSeconds: cpuSecondsOf(pid), rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024 };
}

/** CPU seconds of a process so far, with those of its children that ended. */
export const cpuSecondsOf = (pid) => secondsOf(statOf(pid));

/** The same of a process with everything that it started: PostgreSQL is many. */
export function cpuSecondsOfAll(pid) {
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(pid));
  const children = others.map(statOfAny).filter((stat) => stat?.[1] === String(pid));
  return children.reduce((sum, stat) => sum + secondsOf(stat), cpuSecondsOf(pid));
}

const secondsOf = (stat) => stat.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;

/** The fields after its name: state, parent, … */
function statOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Null where it has ended meanwhile. */
function statOfAny(pid) {
  try {
    return statOf(pid);
  } catch {
    return null;
  }
}

/** @param sorted ascending */
export const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
