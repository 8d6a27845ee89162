import { Inject, Injectable, Optional, type LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import { CONFIG } from '../config/config.module.js';
import type { Config } from '../config/config.js';
import { prettyStream } from './pretty-stream.js';

/** Small facts beside a message. Never personal data: no bodies, no addresses, no query values. */
export interface LogFacts {
  readonly error?: unknown;
  readonly [name: string]: unknown;
}

/** The one log of the process: JSON lines in production, readable lines elsewhere. */
@Injectable()
export class Log implements LoggerService {
  private readonly pino: Logger;

  constructor(
    @Inject(CONFIG) config: Pick<Config, 'isProduction' | 'logLevel'>,
    @Optional() destination?: DestinationStream,
  ) {
    const options = { level: config.logLevel, base: null, serializers: { error: pino.stdSerializers.err } };
    this.pino = pino(options, destination ?? (config.isProduction ? pino.destination(1) : prettyStream()));
  }

  log(message: unknown, ...context: readonly unknown[]): void {
    this.pino.info({ context: context.at(-1) }, String(message));
  }

  warn(message: unknown, ...context: readonly unknown[]): void {
    this.pino.warn({ context: context.at(-1) }, String(message));
  }

  debug(message: unknown, ...context: readonly unknown[]): void {
    this.pino.debug({ context: context.at(-1) }, String(message));
  }

  fatal(message: unknown, ...context: readonly unknown[]): void {
    this.pino.fatal({ context: context.at(-1) }, String(message));
  }

  /** Nest's form hands over a stack and a context; ours, the error itself and facts. */
  error(message: unknown, ...rest: readonly unknown[]): void {
    const [first] = rest;
    if (typeof first === 'object' && first !== null) this.pino.error(first, String(message));
    else this.pino.error({ stack: first, context: rest.at(1) }, String(message));
  }

  info(message: string, facts: LogFacts = {}): void {
    this.pino.info(facts, message);
  }

  /** Nest asks for this method when it is told to use the log. */
  setLogLevels(): void {
    // LOG_LEVEL alone sets the level.
  }
}
