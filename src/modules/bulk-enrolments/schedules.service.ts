import { Injectable, NotFoundException } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';
import { AuditLog } from '../access/index.js';
import { BulkEnrolmentsRepository } from './bulk-enrolments.repository.js';
import { BulkStarter } from './bulk-starter.js';
import { ScheduleGateway } from './schedule-gateway.js';
import { fingerprintOf, scheduleIdOf, toScheduledBulk } from './schedules.js';
import type { TriggersView } from './schedules.dto.js';
import { SchedulesRepository } from './schedules.repository.js';

/** Journeys that enrol people at set times. */
@Injectable()
export class SchedulesService {
  constructor(
    private readonly database: Database,
    private readonly schedules: SchedulesRepository,
    private readonly enrolments: BulkEnrolmentsRepository,
    private readonly gateway: ScheduleGateway,
    private readonly starter: BulkStarter,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Orders the enrolment of one firing, unless the journey has no such schedule any more or lets nobody in. The same
   * firing again orders nothing.
   */
  async fire(firing: {
    readonly journeyId: string;
    readonly fingerprint: string;
    readonly scheduledAt: InstantMs;
  }): Promise<void> {
    const { journeyId, fingerprint, scheduledAt } = firing;
    const triggers = await this.schedules.ofPublished(journeyId);
    const trigger = triggers.find((each) => fingerprintOf(each) === fingerprint);
    if (trigger === undefined) return;
    const bulk = toScheduledBulk({ journeyId, trigger }, scheduledAt);
    await this.database.transaction(async (transaction) => {
      if (!(await this.enrolments.insert(transaction, bulk))) return;
      const detail = { journey: journeyId };
      const entry = { principal: 'schedule', action: 'bulk_enrolment.start', subject: bulk.id, detail };
      await this.audit.write(transaction, entry);
    });
    this.starter.kick();
  }

  /** What lets people in by itself, and when next. @throws NotFoundException JOURNEY_UNKNOWN */
  async triggers(idOrKey: string): Promise<TriggersView> {
    const journey = await this.enrolments.journey(idOrKey);
    if (journey === null) {
      throw new NotFoundException({ code: 'JOURNEY_UNKNOWN', detail: 'there is no such journey' });
    }
    const triggers = await this.schedules.ofJourney(journey.id);
    const data = triggers.map(async (trigger) => {
      if (trigger.kind === 'event') return { trigger, next_firings: null };
      const id = scheduleIdOf({ journeyId: journey.id, journeyKey: journey.key, trigger });
      const instants = await this.gateway.nextFirings(id);
      return { trigger, next_firings: instants?.map((at) => new Date(at).toISOString()) ?? null };
    });
    return { data: await Promise.all(data) };
  }
}
