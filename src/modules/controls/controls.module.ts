import { Module } from '@nestjs/common';
import { ControlsController } from './controls.controller.js';
import { ControlsRepository } from './controls.repository.js';
import { ControlsService } from './controls.service.js';

@Module({ controllers: [ControlsController], providers: [ControlsService, ControlsRepository] })
export class ControlsModule {}
