import type { ExchangeResult } from '../../../platform/outbound/exchange.js';
import type { SendResult } from '../connector.js';
import type { HttpAnswer } from './http-protocol.js';

/** For how long, and for how much, the answer to a message is waited for. */
export const ANSWER_LIMITS = { answerWithinMs: 15_000, answerBytesMax: 100_000 } as const;

/** What an exchange says about its message: where no whole answer came, whether any of it may have left decides. */
export function resultOfExchange(exchange: ExchangeResult, toResult: (answer: HttpAnswer) => SendResult): SendResult {
  switch (exchange.kind) {
    case 'late':
      return { kind: 'late', detail: 'the provider was not ready for the message in time' };
    case 'failed':
      return { kind: exchange.hasBegun ? 'unknown' : 'unavailable', detail: exchange.code };
    case 'answered':
      return toResult(toAnswer(exchange));
  }
}

/** An answer with its body parsed, where it is JSON. */
export function toAnswer({ status, headers, body }: Extract<ExchangeResult, { kind: 'answered' }>): HttpAnswer {
  return { status, headers, json: parsed(body) };
}

/** Undefined for what is no JSON. */
export function parsed(body: string | null): unknown {
  try {
    return JSON.parse(body ?? '');
  } catch {
    return undefined;
  }
}
