import type { DestinationStream } from 'pino';
import type { ErrorFacts } from './error-facts.js';

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};

/** Turns the JSON lines of the log into `12:00:01 info request method=GET` for people. */
export function prettyStream(write: (line: string) => void = (line) => process.stdout.write(line)): DestinationStream {
  return { write: (line) => write(`${prettyLine(JSON.parse(line) as Record<string, unknown>)}\n`) };
}

function prettyLine({ time, level, msg, error, stack, ...facts }: Record<string, unknown>): string {
  const at = new Date(Number(time)).toISOString().slice(11, 19);
  const pairs = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null);
  const words = pairs.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const trace = stack ?? traceOf(error as ErrorFacts | undefined);
  const text = [at, LEVELS[Number(level)] ?? String(level), String(msg), ...words].join(' ');
  return typeof trace === 'string' ? `${text}\n${trace}` : text;
}

function traceOf(error: ErrorFacts | undefined): string | undefined {
  if (error?.cause === undefined) return error?.stack;
  return `${error.stack}\ncaused by ${traceOf(error.cause)}`;
}
