import { Module } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { ConsentsModule } from '../consents/index.js';
import { UsersModule } from '../users/index.js';
import { EventsController } from './events.controller.js';
import { EventsRepository } from './events.repository.js';
import { EventsService } from './events.service.js';

@Module({
  imports: [ConsentsModule, UsersModule],
  controllers: [EventsController],
  providers: [EventsService, EventsRepository, Clock],
  exports: [EventsService],
})
export class EventsModule {}
