import { Inject, Injectable, Optional, type LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Level, type Logger } from 'pino';
import { CONFIG } from '../config/config.module.js';
import type { Config } from '../config/config.js';
import { errorFacts } from './error-facts.js';
import { prettyStream } from './pretty-stream.js';

/** Small facts beside a message. Never personal data: no bodies, no addresses, no query values. */
export interface LogFacts {
  readonly error?: unknown;
  readonly [name: string]: unknown;
}

/** What the framework tells about its own start: a hundred lines that nobody reads when all is well. */
const FRAMEWORK = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

/** Pino itself writes under `err`. */
const serializers = { error: errorFacts, err: errorFacts };

/**
 * The one log of the process: JSON lines in production, readable lines elsewhere. Nest's `Logger` writes into it too,
 * as `warn('text')` or as `warn('text', { error })`.
 */
@Injectable()
export class Log implements LoggerService {
  private readonly pino: Logger;

  constructor(
    @Inject(CONFIG) config: Pick<Config, 'isProduction' | 'logLevel'>,
    @Optional() destination?: DestinationStream,
  ) {
    const options = { level: config.logLevel, base: null, serializers };
    this.pino = pino(options, destination ?? (config.isProduction ? pino.destination(1) : prettyStream()));
  }

  info(message: string, facts: LogFacts = {}): void {
    this.pino.info(facts, message);
  }

  log(message: unknown, ...rest: readonly unknown[]): void {
    this.write(FRAMEWORK.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  }

  warn(message: unknown, ...rest: readonly unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: readonly unknown[]): void {
    this.write('debug', message, rest);
  }

  fatal(message: unknown, ...rest: readonly unknown[]): void {
    this.write('fatal', message, rest);
  }

  error(message: unknown, ...rest: readonly unknown[]): void {
    this.write('error', message, rest);
  }

  /** Nest appends the name of the class that logs; before it may come our facts, a text, or a stack. */
  private write(level: Level, message: unknown, rest: readonly unknown[]): void {
    const [first, second] = rest;
    if (message instanceof Error) this.pino[level]({ error: message, context: rest.at(-1) }, 'error');
    else if (isFacts(first)) this.pino[level]({ context: second, ...first }, String(message));
    else if (rest.length > 1) this.pino[level]({ stack: first, context: rest.at(-1) }, String(message));
    else this.pino[level]({ context: first }, String(message));
  }
}

function isFacts(value: unknown): value is LogFacts {
  return typeof value === 'object' && value !== null;
}
