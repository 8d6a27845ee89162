import { randomUUID } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import type { Queryable, Transaction } from '../../platform/database/database.js';
import { Semaphore } from '../../platform/concurrency/semaphore.js';
import { repeatWhileUnavailable } from '../../platform/database/while-unavailable.js';
import { Metrics } from '../../platform/observability/metrics.js';
import type { OutboundMessage, ProviderLine, SendResult } from './connector.js';
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
 * What became of a send. `stale` (the claim was too old when it came here) and `late` (the provider was not ready in time)
 * mean that the claim was given back before a byte of the content left, and must be made anew.
 * The outcome is recorded before it is returned.
 */
export type DeliveryResult = SendResult | { readonly kind: 'stale' };

/** A recipient whom the provider refused for good; `detail` are its codes. */
interface RefusedRecipient {
  readonly deliveryId: string;
  readonly detail: string;
}

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
  private readonly refusalHandlers: ((refused: RefusedRecipient) => Promise<unknown>)[] = [];

  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly email: EmailConnector,
    private readonly metrics: Metrics,
  ) {
    this.places = new Semaphore(email.sendsAtOnceMax);
  }

  /**
   * `handler` hears of recipients whom the provider refused, before the attempt is settled; it may hear of one twice. It
   * signs up when the process starts, so that deliveries need not know what follows.
   */
  onRefusedRecipient(handler: (refused: RefusedRecipient) => Promise<unknown>): void {
    this.refusalHandlers.push(handler);
  }

  /**
   * Runs a claim and its send as soon as the provider can take one more message and is ready for it, so that no claim
   * waits its turn, nor for a connection.
   *
   * @param claimAndSend gets the line for its one send
   */
  inTurn<T>(claimAndSend: (line: ProviderLine) => Promise<T>): Promise<T> {
    return this.places.run(async () => {
      const line = await this.email.open();
      try {
        return await claimAndSend(line);
      } finally {
        line.release();
      }
    });
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
   * @param line from `inTurn`, opened before the claim
   * @param message without its delivery id, which the claim decides
   * @param startWithinMs what is left of the time from the claim to the first byte of the content; the claim is given back
   *   when there is nothing left, and when the provider does not ask for the content by then
   * @throws Error when the attempt was settled by somebody else: asked again, the step finds the outcome
   */
  async send(
    line: ProviderLine,
    claimed: ClaimedDelivery,
    message: Omit<OutboundMessage, 'deliveryId' | 'to'> & { readonly address: string },
    startWithinMs: number,
  ): Promise<DeliveryResult> {
    const { deliveryId } = claimed;
    const outbound = { ...message, deliveryId, to: message.address };
    const result: DeliveryResult = startWithinMs <= 0 ? { kind: 'stale' } : await line.send(outbound, startWithinMs);
    const isRefused = result.kind === 'rejected' && result.isRecipientRefused;
    // First, so that a process that dies here leaves an address that is suppressed, and not one that nobody knows of.
    if (isRefused) await repeatWhileUnavailable(() => this.tellRefused({ deliveryId, detail: result.detail }));
    const settlement = { deliveryId, attemptToken: claimed.attemptToken, ...settlementOf(result) };
    // The provider says it once. What is not recorded now stays unknown for good.
    const state = await repeatWhileUnavailable(() => this.deliveries.settle(settlement));
    // Only this attempt holds the token; the settler may have called it unknown, which is then put right.
    if (state === null) throw new Error(`the attempt of delivery ${deliveryId} is not open any more`);
    if (!isRefused) this.metrics.countDelivery('email', settlement.state);
    return result;
  }

  private async tellRefused(refused: RefusedRecipient): Promise<void> {
    for (const handler of this.refusalHandlers) await handler(refused);
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
    case 'late':
      return { state: 'released', providerMessageId: null, failure: result.detail };
    case 'stale':
      return { state: 'released', providerMessageId: null, failure: 'the claim grew stale' };
    case 'unknown':
      return { state: 'unknown', providerMessageId: null, failure: result.detail };
  }
}
