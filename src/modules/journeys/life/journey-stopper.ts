import { Injectable } from '@nestjs/common';
import { Rounds } from '../../../platform/concurrency/rounds.js';
import { Database, type Transaction } from '../../../platform/database/database.js';
import { JourneysRepository } from '../definitions/journeys.repository.js';
import { OutboxDispatcher } from '../outbox/outbox.dispatcher.js';
import { JourneyLife } from './journey-life.service.js';
import { JourneyStopsRepository } from './journey-stops.repository.js';

const EVERY_MS = 1_000;

/**
 * Ends the runs of stopped journeys, so many a second and journey, and stops draining ones that have run dry. Every
 * process runs one; the row of the stop is locked for each step and says when the next one is due, so together they are
 * no faster than one, and a step of a process that died is taken again.
 */
@Injectable()
export class JourneyStopper extends Rounds {
  constructor(
    private readonly database: Database,
    private readonly stops: JourneyStopsRepository,
    private readonly journeys: JourneysRepository,
    private readonly life: JourneyLife,
    private readonly dispatcher: OutboxDispatcher,
  ) {
    super(EVERY_MS, 'runs of stopped journeys could not be told');
  }

  protected async round(): Promise<void> {
    for (const id of await this.journeys.runDry()) await this.life.runDry(id);
    // Each step puts its stop off, so this ends when every open one has had its turn.
    for (;;) {
      const told = await this.database.transaction((transaction) => this.step(transaction));
      if (told === null || this.isStopped) return;
      if (told > 0) this.dispatcher.kick();
    }
  }

  /** @returns how many runs were told to end; null when no stop is due */
  private async step(transaction: Transaction): Promise<number | null> {
    const stop = await this.stops.lockDue(transaction);
    if (stop === null) return null;
    const told = await this.stops.tellNext(transaction, stop);
    const isFinished = told === 0 && stop.isSettled && !(await this.stops.isAnyRunning(transaction, stop.journeyId));
    await this.stops.advance(transaction, stop.journeyId, { told, isFinished });
    return told;
  }
}
