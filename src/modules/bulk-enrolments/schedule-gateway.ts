import { Inject, Injectable } from '@nestjs/common';
import { Client, ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Clock } from '../../platform/clock/clock.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { isOurs, toSchedule, type JourneySchedule } from './schedules.js';

const CALL_MS_MAX = 5_000;
const LIST_MS_MAX = 30_000;

/** Everything that is said to Temporal about schedules. */
@Injectable()
export class ScheduleGateway {
  constructor(
    private readonly client: Client,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'temporal'>,
  ) {}

  /** The ids of our schedules, and whether somebody has paused them. */
  async list(signal: AbortSignal): Promise<ReadonlyMap<string, { readonly isPaused: boolean }>> {
    const found = new Map<string, { readonly isPaused: boolean }>();
    await this.client.withAbortSignal(signal, () =>
      this.client.withDeadline(this.clock.now() + LIST_MS_MAX, async () => {
        for await (const { scheduleId, state } of this.client.schedule.list()) {
          if (isOurs(scheduleId)) found.set(scheduleId, { isPaused: state.paused });
        }
      }),
    );
    return found;
  }

  /** One that is there already stays as it is. */
  async create(schedule: JourneySchedule, signal: AbortSignal): Promise<void> {
    const options = toSchedule(schedule, this.config.temporal.taskQueue);
    try {
      await this.call(signal, () => this.client.schedule.create(options));
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
  }

  /** @returns false for one that is gone: lists lag behind */
  async unpause(scheduleId: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.call(signal, () => this.client.schedule.getHandle(scheduleId).unpause());
      return true;
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return false;
      throw error;
    }
  }

  async remove(scheduleId: string, signal: AbortSignal): Promise<void> {
    try {
      await this.call(signal, () => this.client.schedule.getHandle(scheduleId).delete());
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }

  /** Null where the schedule is not kept (yet), or the server does not answer. */
  async nextFirings(scheduleId: string): Promise<readonly InstantMs[] | null> {
    try {
      const handle = this.client.schedule.getHandle(scheduleId);
      const { info } = await this.client.withDeadline(this.clock.now() + CALL_MS_MAX, () => handle.describe());
      return info.nextActionTimes.map((at) => at.getTime());
    } catch {
      return null;
    }
  }

  private call<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    const { client } = this;
    return client.withAbortSignal(signal, () => client.withDeadline(this.clock.now() + CALL_MS_MAX, call));
  }
}
