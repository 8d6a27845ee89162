// Makes the log of a child readable: one prefix for each line, and pino's JSON as a sentence.
import { createInterface } from 'node:readline';

const LEVELS = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' };

/** Writes every line of the stream behind `[name]`. */
export function printLines(stream, name, write = (line) => console.log(line)) {
  createInterface({ input: stream }).on('line', (line) => {
    for (const part of readable(line).split('\n')) write(`[${name}] ${part}`);
  });
}

/** A line of pino's in words; any other line as it is. */
function readable(line) {
  if (!line.startsWith('{"level":')) return line;
  let entry;
  try {
    entry = JSON.parse(line);
  } catch {
    return line;
  }
  const { level, time, msg = '', err, pid: _pid, hostname: _hostname, ...rest } = entry;
  const at = new Date(time).toISOString().slice(11, 23);
  const more = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
  const stack = err === undefined ? '' : `\n${err.stack ?? err.message ?? JSON.stringify(err)}`;
  return `${at} ${LEVELS[level] ?? level} ${msg}${more}${stack}`;
}
