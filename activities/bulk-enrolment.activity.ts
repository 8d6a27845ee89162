import type { BulkPages, SchedulesService } from '../src/modules/bulk-enrolments/index.js';
import type { BulkActivities, EnrolPageAnswer, EnrolPageInput, FireTriggerInput } from './contract.js';

export interface BulkDependencies {
  readonly bulkPages: Pick<BulkPages, 'run'>;
  readonly schedules: Pick<SchedulesService, 'fire'>;
}

export function createBulkActivities({ bulkPages, schedules }: BulkDependencies): BulkActivities {
  return {
    enrolPage: (input: EnrolPageInput): Promise<EnrolPageAnswer> => bulkPages.run(input),
    fireTrigger: (input: FireTriggerInput): Promise<void> => schedules.fire(input),
  };
}
