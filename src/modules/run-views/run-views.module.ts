import { Module } from '@nestjs/common';
import { DecisionsModule } from '../decisions/index.js';
import { RunFactsRepository } from './run-facts.repository.js';
import { RunViewsController } from './run-views.controller.js';
import { RunViewsService } from './run-views.service.js';

/** What one run did and waits for, gathered from journeys, decisions and deliveries. */
@Module({
  imports: [DecisionsModule],
  controllers: [RunViewsController],
  providers: [RunFactsRepository, RunViewsService],
})
export class RunViewsModule {}
