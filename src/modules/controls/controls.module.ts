import { Module } from '@nestjs/common';
import { PoliciesModule } from '../policies/index.js';
import { ControlsController } from './controls.controller.js';
import { ControlsRepository } from './controls.repository.js';
import { ControlsService } from './controls.service.js';

@Module({
  imports: [PoliciesModule],
  controllers: [ControlsController],
  providers: [ControlsService, ControlsRepository],
})
export class ControlsModule {}
