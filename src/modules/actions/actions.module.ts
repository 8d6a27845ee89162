import { Module } from '@nestjs/common';
import { MessageTemplatesModule } from '../message-templates/index.js';
import { ActionsController } from './actions.controller.js';
import { ActionsRepository } from './actions.repository.js';
import { ActionsService } from './actions.service.js';

@Module({
  imports: [MessageTemplatesModule],
  controllers: [ActionsController],
  providers: [ActionsService, ActionsRepository],
  exports: [ActionsService],
})
export class ActionsModule {}
