import { Module } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { DecisionsModule } from '../decisions/index.js';
import { UsersModule } from '../users/index.js';
import { SimulationRunner } from './simulation-runner.js';
import { SimulationSources } from './simulation-sources.repository.js';
import { SimulationsController } from './simulations.controller.js';
import { SimulationsRepository } from './simulations.repository.js';
import { SimulationsService } from './simulations.service.js';

@Module({
  imports: [DecisionsModule, UsersModule],
  controllers: [SimulationsController],
  providers: [Clock, SimulationRunner, SimulationSources, SimulationsRepository, SimulationsService],
})
export class SimulationsModule {}
