import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ScheduleGateway } from './schedule-gateway.js';
import { scheduleIdOf } from './schedules.js';
import { SchedulesRepository } from './schedules.repository.js';

const LOOK_EVERY_MS = 5_000;
/** Looked at against Temporal, however little has changed here: so often. */
const LOOKS_A_ROUND = 12;

/**
 * Makes Temporal's schedules those of the published journeys, and no others: soon after a journey is published, paused or
 * stopped, at the start, and every minute, whoever changed what. PostgreSQL says what is right. Every process runs one;
 * a schedule is named by its content, so that they cannot contradict each other.
 */
@Injectable()
export class ScheduleKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ScheduleKeeper.name);
  private readonly stopped = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private looks = 0;
  private settled = '';

  constructor(
    private readonly schedules: SchedulesRepository,
    private readonly gateway: ScheduleGateway,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopped.abort();
    await this.working;
  }

  private look(): Promise<void> {
    this.working ??= this.settleIfDue().finally(() => (this.working = undefined));
    return this.working;
  }

  private async settleIfDue(): Promise<void> {
    try {
      const ids = (await this.schedules.wanted()).map(scheduleIdOf).join();
      const isDue = this.looks % LOOKS_A_ROUND === 0 || ids !== this.settled;
      this.looks += 1;
      if (!isDue) return;
      await this.settle();
      this.settled = ids;
    } catch (error) {
      if (this.stopped.signal.aborted) return;
      this.logger.warn('schedules could not be settled; the next round tries again', { error });
    }
  }

  /** Creates what is missing, takes away what is too much. */
  async settle(): Promise<void> {
    const { signal } = this.stopped;
    const found = await this.gateway.list(signal);
    const wanted = await this.schedules.wanted();
    for (const schedule of wanted) {
      const id = scheduleIdOf(schedule);
      const known = found.get(id);
      const isThere = known !== undefined && (!known.isPaused || (await this.gateway.unpause(id, signal)));
      if (!isThere) await this.gateway.create(schedule, signal);
    }
    const surplus = [...found.keys()].filter((id) => !wanted.some((schedule) => scheduleIdOf(schedule) === id));
    for (const id of surplus) {
      // Asked again: it may have been published in between, and made by another process.
      const isWanted = (await this.schedules.wanted()).some((schedule) => scheduleIdOf(schedule) === id);
      if (!isWanted) await this.gateway.remove(id, signal);
    }
  }
}
