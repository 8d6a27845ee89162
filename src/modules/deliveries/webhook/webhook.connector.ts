import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { assert } from '../../../core/kernel/assert.js';
import { WebhookSender, type TimedWebhookReply, type WebhookMessage } from '../../webhook-endpoints/index.js';
import type { Connector, OutboundMessage, ProviderLine, SendResult } from '../connector.js';
import { resultOfExchange } from '../http/exchange-result.js';
import { isTaken, resultOfRefusal, resultOfTrouble } from '../http/http-result.js';

const SENDS_AT_ONCE_MAX = 50;
/** Before each repetition. With the answers that are waited for, all of it stays within the time of an attempt. */
const WAITS_MS = [500, 2_000];
const REPEAT_WITHIN_MS = 5_000;
/** Conflict, too early: the receiver is at it, or will be. */
const MAY_PASS: ReadonlySet<number> = new Set([409, 425]);

/**
 * Messages to registered endpoints, as Standard Webhooks. A receiver knows a message by its id, which is that of the
 * delivery in every attempt: where nobody knows whether it was taken it is sent again, and is one message there.
 */
@Injectable()
export class WebhookConnector implements Connector {
  readonly provider = 'webhook';
  readonly sendsAtOnceMax = SENDS_AT_ONCE_MAX;
  /** One endpoint that fails says nothing about the others. */
  readonly watchesItself = true;

  constructor(private readonly sender: WebhookSender) {}

  /** Which endpoint it will be only the message tells; the connection counts against its time. */
  open(): Promise<ProviderLine> {
    return Promise.resolve({
      provider: this.provider,
      send: (message, startWithinMs) => this.send(message, startWithinMs),
      release: () => undefined,
    });
  }

  private async send({ deliveryId, content }: OutboundMessage, startWithinMs: number): Promise<SendResult> {
    assert(content.channel === 'webhook', 'endpoints take webhooks');
    const message = { endpoint: content.endpoint, id: deliveryId, body: content.body };
    const first = await this.attempt(message, startWithinMs);
    if (first.kind !== 'unknown') return first;
    for (const waitMs of WAITS_MS) {
      await pause(waitMs);
      const again = await this.attempt(message, REPEAT_WITHIN_MS);
      // Any other answer is about this attempt only, and leaves open what became of the one before.
      if (again.kind === 'accepted') return again;
    }
    return first;
  }

  private async attempt(message: WebhookMessage, startWithinMs: number): Promise<SendResult> {
    const reply = await this.sender.attemptWithin(message, startWithinMs);
    return resultOf(reply, message.id);
  }
}

function resultOf(reply: TimedWebhookReply, deliveryId: string): SendResult {
  if (reply.kind === 'not_sent') return { kind: 'rejected', detail: reply.because, refusedFor: 'other' };
  return resultOfExchange(reply, (answer) => {
    if (isTaken(answer)) return { kind: 'accepted', providerMessageId: deliveryId };
    return MAY_PASS.has(answer.status) ? resultOfTrouble(answer, 'to be repeated') : resultOfRefusal(answer);
  });
}
