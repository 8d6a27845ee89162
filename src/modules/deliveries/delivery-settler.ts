import { Injectable } from '@nestjs/common';
import { RoundsOnDemand } from '../../platform/concurrency/rounds.js';
import { SendingGuard } from '../sending-domains/index.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { ASKABLE, LookUps } from './look-ups.js';
import { SlotsRepository } from './slots.repository.js';

const BATCH_MAX = 500;

/**
 * Looks for attempts without an answer, also where no run asks for them any more: asks those providers that can be asked,
 * and calls the others unknown. Started by the worker only.
 */
@Injectable()
export class DeliverySettler extends RoundsOnDemand {
  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly lookUps: LookUps,
    private readonly slots: SlotsRepository,
    private readonly guard: SendingGuard,
  ) {
    super(lookUps.everyMs, 'overdue deliveries could not be settled');
  }

  protected async round(): Promise<void> {
    await this.slots.purge();
    await this.guard.tend();
    await this.lookUps.round();
    const settled = await this.deliveries.settleOverdue({ id: null, limit: BATCH_MAX, askable: ASKABLE });
    if (settled > 0) this.logger.warn(`${settled} deliveries ended without an answer and are now unknown`);
  }
}
