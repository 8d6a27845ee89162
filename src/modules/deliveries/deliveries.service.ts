import { randomUUID } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import type { Queryable, Transaction } from '../../platform/database/database.js';
import { repeatWhileUnavailable } from '../../platform/database/while-unavailable.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { SendingGuard } from '../sending-domains/index.js';
import type { OutboundMessage, ProviderLine, RefusedFor, Route, SendResult } from './connector.js';
import {
  DeliveriesRepository,
  type DeliveredContact,
  type DeliveryRow,
  type DeliveryWord,
  type NewClaim,
  type ProviderWord,
  type Settlement,
} from './deliveries.repository.js';
import { ASKABLE, LookUps } from './look-ups.js';
import { deadLine, Outlets, type Outlet } from './outlets.js';
import { Turns, type Precedence } from './turns.js';

/** A claimed contact, and the proof that this process holds the attempt. */
export interface ClaimedDelivery {
  readonly deliveryId: string;
  readonly attemptToken: string;
  /** 1 for the first; grows with each that was given back. */
  readonly attempt: number;
}

export type DeliveryClaim = Omit<NewClaim, 'attemptToken' | 'sendingDomain'>;

/**
 * What became of a send. `stale` (the claim was too old when it came here) and `late` (the provider was not ready in time)
 * mean that the claim was given back before a byte of the content left, and must be made anew.
 * `in_doubt` is an `unknown` of which the provider is asked. The outcome is recorded before it is returned.
 */
export type DeliveryResult =
  SendResult | { readonly kind: 'stale' } | { readonly kind: 'in_doubt'; readonly retryAfterMs: number };

/** A recipient whom the provider refused for good; `detail` are its codes. */
interface RefusedRecipient {
  readonly deliveryId: string;
  readonly detail: string;
  readonly refusedFor: Exclude<RefusedFor, 'other'>;
}

export interface DeliveryQuery {
  readonly userId: string | null;
  readonly runKey: string | null;
  readonly clockDomain: string | null;
  readonly state: string | null;
}

/** What nobody said anything about goes before all that waits. */
const FIRST: Precedence = { lane: '', isMarketing: false };

/** Deliveries from claim to final state. */
@Injectable()
export class DeliveriesService {
  private readonly refusalHandlers: ((refused: RefusedRecipient) => Promise<unknown>)[] = [];

  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly outlets: Outlets,
    private readonly turns: Turns,
    private readonly lookUps: LookUps,
    private readonly guard: SendingGuard,
    private readonly metrics: Metrics,
  ) {}

  /**
   * `handler` hears of recipients whom the provider refused, before the attempt is settled; it may hear of one twice. It
   * signs up when the process starts, so that deliveries need not know what follows.
   */
  onRefusedRecipient(handler: (refused: RefusedRecipient) => Promise<unknown>): void {
    this.refusalHandlers.push(handler);
  }

  /**
   * Runs a claim and its send as soon as a provider can take one more message and is ready for it, so that no claim
   * waits its turn, nor for a connection. Where nobody takes messages of the channel, the line says so.
   *
   * @param route.ticket names the message to accounts that take so many a second, the same for every attempt
   * @param route.precedence left out: before all that waits
   * @param claimAndSend gets the line for its one send
   */
  async inTurn<T>(
    { ticket, precedence = FIRST, ...route }: Route & { readonly ticket: string; readonly precedence?: Precedence },
    claimAndSend: (line: ProviderLine) => Promise<T>,
  ): Promise<T> {
    const outlet = await this.outlets.choose(route);
    if (outlet === null) return claimAndSend(deadLine(route.channel));
    return outlet.places.run(async () => {
      const open = async (): Promise<ProviderLine> => observed(await outlet.connector.open(), outlet);
      const line = await this.turns.await(outlet, { channel: route.channel, ticket, precedence }, open);
      try {
        return await claimAndSend(line);
      } finally {
        line.release();
      }
    });
  }

  /** Whether there is somebody else who may take the message now. */
  async canTry(route: Route): Promise<boolean> {
    return (await this.outlets.choose(route)) !== null;
  }

  /** @returns null when this visit already has a delivery that was not given back */
  async claim(transaction: Transaction, claim: DeliveryClaim): Promise<ClaimedDelivery | null> {
    const attemptToken = randomUUID();
    const sendingDomain = claim.channel === 'email' ? this.guard.domain : null;
    const claimed = await this.deliveries.claim(transaction, { ...claim, attemptToken, sendingDomain });
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
    const result = startWithinMs <= 0 ? ({ kind: 'stale' } as const) : await line.send(outbound, startWithinMs);
    if (result.kind === 'unknown' && line.canBeAsked === true) return this.doubt(claimed, result);
    const refused = refusedRecipient(deliveryId, result);
    // First, so that a process that dies here leaves an address that is suppressed, and not one that nobody knows of.
    if (refused !== null) await repeatWhileUnavailable(() => this.tellRefused(refused));
    const settlement = { deliveryId, attemptToken: claimed.attemptToken, ...settlementOf(result) };
    // The provider says it once. What is not recorded now stays unknown for good.
    const state = await repeatWhileUnavailable(() => this.deliveries.settle(settlement));
    // Only this attempt holds the token; the settler may have called it unknown, which is then put right.
    if (state === null) throw new Error(`the attempt of delivery ${deliveryId} is not open any more`);
    // One that was refused is told as bounced, and counted as such.
    if (refused?.refusedFor !== 'recipient') this.metrics.countDelivery(message.content.channel, settlement.state);
    return result;
  }

  /** Nothing is settled: a callback may do it, or the provider when it is asked. */
  private async doubt(
    claimed: ClaimedDelivery,
    { detail }: Extract<SendResult, { kind: 'unknown' }>,
  ): Promise<DeliveryResult> {
    const { deliveryId, attemptToken } = claimed;
    await repeatWhileUnavailable(() => this.lookUps.doubt({ deliveryId, attemptToken }, detail));
    return { kind: 'in_doubt', retryAfterMs: await this.retryAfterMs(deliveryId) };
  }

  /** When to come back to an attempt that is still in doubt. */
  retryAfterMs(deliveryId: string): Promise<number> {
    return repeatWhileUnavailable(() => this.lookUps.retryAfterMs(deliveryId));
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

  /** The deliveries that providers mean, one for each word, in their order; null where there is none (yet). */
  findByProviderMessage(words: readonly ProviderWord[]): Promise<readonly (string | null)[]> {
    return this.deliveries.findByProviderMessage(words);
  }

  /** Adds openings and clicks that a provider told of. To be called once for each. */
  count(
    transaction: Transaction,
    counted: { readonly deliveryId: string; readonly opens: number; readonly clicks: number },
  ): Promise<void> {
    return this.deliveries.count(transaction, counted);
  }

  list(query: DeliveryQuery, page: { after: string | null; limit: number }): Promise<readonly DeliveryRow[]> {
    return this.deliveries.list(query, page);
  }

  /** Settles one attempt whose time is over, and returns what holds now: one of which its provider is asked is `sending` still. */
  async settleOverdue(id: string): Promise<DeliveryRow> {
    await this.deliveries.settleOverdue({ id, limit: 1, askable: ASKABLE });
    return this.get(id);
  }
}

/** Notes on the way how the provider fares. */
function observed(line: ProviderLine, { circuit, connector }: Outlet): ProviderLine {
  if (connector.watchesItself === true) return line;
  return {
    ...line,
    send: async (message, startWithinMs) => {
      const result = await line.send(message, startWithinMs);
      circuit.note(result.kind === 'accepted' || result.kind === 'rejected');
      return result;
    },
  };
}

function refusedRecipient(deliveryId: string, result: DeliveryResult): RefusedRecipient | null {
  if (result.kind !== 'rejected' || result.refusedFor === 'other') return null;
  return { deliveryId, detail: result.detail, refusedFor: result.refusedFor };
}

const FULL = 'the provider takes no more for now';
const PAUSED = 'marketing is paused for the sending domain';

const unknownDelivery = (): NotFoundException =>
  new NotFoundException({ code: 'DELIVERY_UNKNOWN', detail: 'there is no such delivery' });

function settlementOf(
  result: Exclude<DeliveryResult, { kind: 'in_doubt' }>,
): Pick<Settlement, 'state' | 'providerMessageId' | 'failure'> {
  switch (result.kind) {
    case 'accepted':
      return { state: 'sent', providerMessageId: result.providerMessageId, failure: null };
    case 'rejected':
      return { state: 'failed', providerMessageId: null, failure: result.detail };
    case 'unavailable':
    case 'late':
      return { state: 'released', providerMessageId: null, failure: result.detail };
    case 'full':
      return { state: 'released', providerMessageId: null, failure: result.isPaused === true ? PAUSED : FULL };
    case 'stale':
      return { state: 'released', providerMessageId: null, failure: 'the claim grew stale' };
    case 'unknown':
      return { state: 'unknown', providerMessageId: null, failure: result.detail };
  }
}
