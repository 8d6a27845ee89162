import { Module } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { UsersModule } from '../users/index.js';
import { BulkEnrolmentsController } from './bulk-enrolments.controller.js';
import { BulkEnrolmentsRepository } from './bulk-enrolments.repository.js';
import { BulkEnrolmentsService } from './bulk-enrolments.service.js';
import { BulkRefusalsRepository } from './bulk-refusals.repository.js';
import { BulkGateway } from './bulk-gateway.js';
import { BulkPages } from './bulk-pages.js';
import { BulkStarter } from './bulk-starter.js';
import { BulkUsers } from './bulk-users.repository.js';
import { EnrolmentImports } from './enrolment-imports.service.js';
import { PageMembers } from './page-members.js';
import { ScheduleGateway } from './schedule-gateway.js';
import { ScheduleKeeper } from './schedule-keeper.js';
import { SchedulesController } from './schedules.controller.js';
import { SchedulesRepository } from './schedules.repository.js';
import { SchedulesService } from './schedules.service.js';

@Module({
  imports: [UsersModule],
  controllers: [BulkEnrolmentsController, SchedulesController],
  providers: [
    BulkEnrolmentsRepository,
    BulkEnrolmentsService,
    BulkGateway,
    BulkPages,
    BulkRefusalsRepository,
    BulkStarter,
    BulkUsers,
    Clock,
    EnrolmentImports,
    PageMembers,
    ScheduleGateway,
    ScheduleKeeper,
    SchedulesRepository,
    SchedulesService,
  ],
  exports: [BulkPages, SchedulesService],
})
export class BulkEnrolmentsModule {}
