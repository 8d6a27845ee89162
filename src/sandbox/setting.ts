import type { FastifyInstance } from 'fastify';
import type { Clock } from '../platform/clock/clock.js';
import type { AccountBook } from './accounts.js';
import type { CallbackSender } from './callbacks.js';
import type { Exchange } from './exchange.js';

/** What a provider plays with. */
export interface Setting {
  readonly app: FastifyInstance;
  readonly exchange: Exchange;
  readonly callbacks: CallbackSender;
  readonly book: AccountBook;
  readonly clock: Clock;
  /** `http://127.0.0.1:<port>`, once it listens. */
  origin(): string;
}
