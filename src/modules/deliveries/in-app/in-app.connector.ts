import { Injectable } from '@nestjs/common';
import { assert } from '../../../core/kernel/assert.js';
import { repeatWhileUnavailable } from '../../../platform/database/while-unavailable.js';
import type { Connector, OutboundMessage, ProviderLine, SendResult } from '../connector.js';
import { InboxDeposits } from './inbox-deposits.repository.js';

/** Each takes one connection to the database for a moment. */
const SENDS_AT_ONCE_MAX = 10;

/**
 * Entries of the inbox that apps and sites show. Nothing leaves our database: a message is there exactly once or not at
 * all, and its outcome is never unknown.
 */
@Injectable()
export class InAppConnector implements Connector {
  readonly provider = 'inbox';
  readonly sendsAtOnceMax = SENDS_AT_ONCE_MAX;

  constructor(private readonly deposits: InboxDeposits) {}

  open(): Promise<ProviderLine> {
    return Promise.resolve({
      provider: this.provider,
      send: (message) => this.send(message),
      release: () => undefined,
    });
  }

  /** @throws Error while the database is away: who asks again finds out whether the entry is there */
  private async send({ deliveryId, content, unsubscribeUrl }: OutboundMessage): Promise<SendResult> {
    assert(content.channel === 'in_app', 'the inbox takes entries');
    const { channel: _channel, ...entry } = content;
    const isThere = await repeatWhileUnavailable(() => this.deposits.put({ ...entry, deliveryId, unsubscribeUrl }));
    if (isThere) return { kind: 'accepted', providerMessageId: deliveryId };
    return { kind: 'rejected', detail: 'the person is not there any more', refusedFor: 'other' };
  }
}
