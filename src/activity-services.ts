import type { INestApplicationContext } from '@nestjs/common';
import { BulkPages, SchedulesService } from './modules/bulk-enrolments/index.js';
import { EventsService } from './modules/events/index.js';
import { MigrationMover, RunReconciler, RunsRepository } from './modules/journeys/index.js';
import { Acts, Moments, RunQuestions, StepsService } from './modules/steps/index.js';

/** What the activities of a worker rest on, as `createActivities` takes it. */
export const activityServices = (app: INestApplicationContext) => ({
  steps: app.get(StepsService),
  acts: app.get(Acts),
  questions: app.get(RunQuestions),
  moments: app.get(Moments),
  events: app.get(EventsService),
  bulkPages: app.get(BulkPages),
  schedules: app.get(SchedulesService),
  reconciler: app.get(RunReconciler),
  mover: app.get(MigrationMover),
  runs: app.get(RunsRepository),
});
