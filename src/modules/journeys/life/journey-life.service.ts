import { ConflictException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import { moveJourney, statusText, type JourneyMove, type JourneyStatus } from '../../../core/journeys/journey-life.js';
import type { Config } from '../../../platform/config/config.js';
import { CONFIG } from '../../../platform/config/config.module.js';
import { Database, type Transaction } from '../../../platform/database/database.js';
import { AuditLog } from '../../access/index.js';
import { JourneysRepository, type JourneyRow } from '../definitions/journeys.repository.js';
import { JourneyHooks } from './journey-hooks.js';
import type { JourneyLifeView } from './journey-life.dto.js';
import { toJourneyLifeView } from './journey-life.mapper.js';
import { JourneyLifeRepository } from './journey-life.repository.js';
import { JourneyStopsRepository } from './journey-stops.repository.js';

/** What an operator may ask of a journey, apart from publishing it. */
export type OperatorMove = Exclude<JourneyMove, 'publish' | 'run_dry'>;

/** Who moves a journey, and why. */
export interface Mover {
  readonly principal: string;
  readonly reason: string | null;
}

const SYSTEM: Mover = { principal: 'system', reason: 'no run was left' };

/**
 * Moves journeys from one state of their life to the next. Every claim reads the state under its own lock, so a pause or
 * a stop holds from its commit on.
 */
@Injectable()
export class JourneyLife {
  constructor(
    private readonly database: Database,
    private readonly journeys: JourneysRepository,
    private readonly life: JourneyLifeRepository,
    private readonly stops: JourneyStopsRepository,
    private readonly hooks: JourneyHooks,
    private readonly audit: AuditLog,
    @Inject(CONFIG) private readonly config: Pick<Config, 'policies'>,
  ) {}

  /** @throws NotFoundException JOURNEY_UNKNOWN */
  async find(idOrKey: string): Promise<JourneyLifeView> {
    const journey = await this.journeys.find(idOrKey);
    if (journey === null) throw unknownJourney();
    return toJourneyLifeView(journey, await this.life.find(journey));
  }

  /**
   * Moves the journey, or leaves it where it is if it is there already.
   *
   * @throws NotFoundException JOURNEY_UNKNOWN; ConflictException with the code of the state that has no such move
   */
  async move(idOrKey: string, move: OperatorMove, mover: Mover): Promise<JourneyLifeView> {
    await this.database.transaction(async (transaction) => {
      const journey = await this.journeys.find(idOrKey, transaction, 'for update');
      if (journey === null) throw unknownJourney();
      await this.moveLocked(transaction, journey, move, mover);
    });
    return this.find(idOrKey);
  }

  /** Stops a draining journey unless a run has come in between. */
  async runDry(id: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const journey = await this.journeys.find(id, transaction, 'for update');
      if (journey?.status !== 'draining' || (await this.stops.isAnyRunning(transaction, id))) return;
      await this.moveLocked(transaction, journey, 'run_dry', SYSTEM);
    });
  }

  /** Moves a journey that is locked already. @throws ConflictException as `move` */
  async moveLocked(transaction: Transaction, journey: JourneyRow, move: JourneyMove, mover: Mover): Promise<void> {
    const moved = moveJourney({ status: journey.status, former: journey.formerStatus }, move);
    switch (moved.kind) {
      case 'unchanged':
        return;
      case 'forbidden':
        throw new ConflictException({ code: moved.code, detail: statusText(moved.code) });
      case 'moved':
        return this.settle(transaction, journey, { move, to: moved.to, ...mover });
    }
  }

  private async settle(
    transaction: Transaction,
    { id, key, status }: JourneyRow,
    { move, to, principal, reason }: Mover & { readonly move: JourneyMove; readonly to: JourneyStatus },
  ): Promise<void> {
    await this.journeys.setStatus(transaction, id, { status: to, by: principal, reason });
    const { wakesPerSecond } = this.config.policies;
    if (to === 'stopped' && status !== 'archived') await this.stops.start(transaction, id, wakesPerSecond);
    const goesOn = to === 'published' || to === 'draining';
    if (status === 'paused' && goesOn) await this.hooks.resume(transaction, key);
    // Publishing is told with the version that it made.
    if (move === 'publish') return;
    const detail = { from: status, to, ...(reason === null ? {} : { reason }) };
    await this.audit.write(transaction, { principal, action: `journey.${move}`, subject: key, detail });
  }
}

const unknownJourney = (): NotFoundException =>
  new NotFoundException({ code: 'JOURNEY_UNKNOWN', detail: 'there is no such journey' });
