import { Injectable } from '@nestjs/common';
import type { ScheduleTrigger, Trigger } from '../../core/journeys/triggers.js';
import { Database } from '../../platform/database/database.js';
import type { JourneySchedule } from './schedules.js';

/** Reads which schedules journeys have; publishing writes them. */
@Injectable()
export class SchedulesRepository {
  constructor(private readonly database: Database) {}

  /** The schedules of all journeys that let people in now. */
  wanted(): Promise<readonly JourneySchedule[]> {
    return this.database.query<JourneySchedule>({
      name: 'schedules_wanted',
      text: `select journey.id as "journeyId", journey.key as "journeyKey", trigger.definition as trigger
        from journey_triggers trigger join journeys journey on journey.id = trigger.journey_id
        where trigger.kind = 'schedule' and journey.status = 'published'
        order by journey.id, trigger.position`,
    });
  }

  /** The schedules of one journey, if it lets people in now. */
  async ofPublished(journeyId: string): Promise<readonly ScheduleTrigger[]> {
    const rows = await this.database.query<{ trigger: ScheduleTrigger }>({
      name: 'schedules_of_published',
      text: `select trigger.definition as trigger
        from journey_triggers trigger join journeys journey on journey.id = trigger.journey_id
        where trigger.kind = 'schedule' and journey.id = $1 and journey.status = 'published'
        order by trigger.position`,
      values: [journeyId],
    });
    return rows.map(({ trigger }) => trigger);
  }

  /** All triggers of the current version of a journey, whatever its state. */
  async ofJourney(journeyId: string): Promise<readonly Trigger[]> {
    const rows = await this.database.query<{ trigger: Trigger }>({
      text: 'select definition as trigger from journey_triggers where journey_id = $1 order by position',
      values: [journeyId],
    });
    return rows.map(({ trigger }) => trigger);
  }
}
