import { randomUUID } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import type { Queryable, Transaction } from '../../platform/database/database.js';
import { Semaphore } from '../../platform/concurrency/semaphore.js';
import { repeatWhileUnavailable } from '../../platform/database/while-unavailable.js';
import { Metrics } from '../../platform/observability/metrics.js';
import type { OutboundMessage, SendResult } from './connector.js';
import {
  DeliveriesRepository,
  type DeliveredContact,
  type DeliveryRow,
  type DeliveryWord,
  type NewClaim,
  type Settlement,
} from './deliveries.repository.js';
import { EmailConnector } from './email.connector.js';

/** A claimed contact, and the proof that this process holds the attempt. */
export interface ClaimedDelivery {
  readonly deliveryId: string;
  readonly attemptToken: string;
  /** 1 for the first; grows with each that was given back. */
  readonly attempt: number;
}

export type DeliveryClaim = Omit<NewClaim, 'attemptToken' | 'provider'>;

/**
 * What became of a send: `stale` means that the claim was given back before a byte left and must be made anew.
 * The outcome is recorded before it is returned.
 */
export type DeliveryResult = SendResult | { readonly kind: 'stale' };

export interface DeliveryQuery {
  readonly userId: string | null;
  readonly runKey: string | null;
  readonly clockDomain: string | null;
  readonly state: string | null;
}

/** Deliveries from claim to final state. */
@Injectable()
export class DeliveriesService {
  private readonly places: Semaphore;

  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly email: EmailConnector,
    private readonly metrics: Metrics,
  ) {
    this.places = new Semaphore(email.sendsAtOnceMax);
  }

  /** Runs a claim and its send as soon as the provider can take one more message, so that no claim waits its turn. */
  inTurn<T>(claimAndSend: () => Promise<T>): Promise<T> {
    return this.places.run(claimAndSend);
  }

  /** @returns null when this visit already has a delivery that was not given back */
  async claim(transaction: Transaction, claim: DeliveryClaim): Promise<ClaimedDelivery | null> {
    const attemptToken = randomUUID();
    const claimed = await this.deliveries.claim(transaction, {
      ...claim,
      attemptToken,
      provider: this.email.provider,
    });
    return claimed === null ? null : { deliveryId: claimed.id, attemptToken, attempt: claimed.attempt };
  }

  /**
   * Hands the message to the provider and records the outcome.
   *
   * @param message without its delivery id, which the claim decides
   * @param startWithinMs what is left of the time from the claim to here; nothing left gives the claim back
   * @throws Error when the attempt was settled by somebody else: asked again, the step finds the outcome
   */
  async send(
    claimed: ClaimedDelivery,
    message: Omit<OutboundMessage, 'deliveryId' | 'to'> & { readonly address: string },
    startWithinMs: number,
  ): Promise<DeliveryResult> {
    const { deliveryId } = claimed;
    const outbound = { ...message, deliveryId, to: message.address };
    const result: DeliveryResult = startWithinMs <= 0 ? { kind: 'stale' } : await this.email.send(outbound);
    const settlement = { deliveryId, attemptToken: claimed.attemptToken, ...settlementOf(result) };
    // The provider says it once. What is not recorded now stays unknown for good.
    const state = await repeatWhileUnavailable(() => this.deliveries.settle(settlement));
    // Only this attempt holds the token; the settler may have called it unknown, which is then put right.
    if (state === null) throw new Error(`the attempt of delivery ${deliveryId} is not open any more`);
    this.metrics.countDelivery('email', settlement.state);
    return result;
  }

  /** @throws NotFoundException DELIVERY_UNKNOWN */
  async get(id: string): Promise<DeliveryRow> {
    const delivery = await this.deliveries.find(id);
    if (delivery === null) throw unknownDelivery();
    return delivery;
  }

  /** @throws NotFoundException DELIVERY_UNKNOWN */
  async contactOf(id: string, queryable?: Queryable): Promise<DeliveredContact> {
    const contact = await this.deliveries.findContact(id, queryable);
    if (contact === null) throw unknownDelivery();
    return contact;
  }

  /**
   * Moves a delivery to what was heard of it, unless it is beyond that already. The user's lock is held.
   *
   * @returns whether it moved
   */
  advance(transaction: Transaction, word: DeliveryWord): Promise<boolean> {
    return this.deliveries.advance(transaction, word);
  }

  list(query: DeliveryQuery, page: { after: string | null; limit: number }): Promise<readonly DeliveryRow[]> {
    return this.deliveries.list(query, page);
  }

  /** Settles one attempt whose time is over, and returns what holds now. */
  async settleOverdue(id: string): Promise<DeliveryRow> {
    await this.deliveries.settleOverdue({ id, limit: 1 });
    return this.get(id);
  }
}

const unknownDelivery = (): NotFoundException =>
  new NotFoundException({ code: 'DELIVERY_UNKNOWN', detail: 'there is no such delivery' });

function settlementOf(result: DeliveryResult): Pick<Settlement, 'state' | 'providerMessageId' | 'failure'> {
  switch (result.kind) {
    case 'accepted':
      return { state: 'sent', providerMessageId: result.providerMessageId, failure: null };
    case 'rejected':
      return { state: 'failed', providerMessageId: null, failure: result.detail };
    case 'unavailable':
      return { state: 'released', providerMessageId: null, failure: result.detail };
    case 'stale':
      return { state: 'released', providerMessageId: null, failure: 'the claim grew stale' };
    case 'unknown':
      return { state: 'unknown', providerMessageId: null, failure: result.detail };
  }
}
