export { BulkEnrolmentsModule } from './bulk-enrolments.module.js';
export { BulkPages } from './bulk-pages.js';
export { SchedulesService } from './schedules.service.js';
