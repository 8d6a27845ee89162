import { Module } from '@nestjs/common';
import { UsersModule } from '../users/index.js';
import { MessageTemplatesController } from './message-templates.controller.js';
import { MessageTemplatesRepository } from './message-templates.repository.js';
import { MessageTemplatesService } from './message-templates.service.js';
import { ParsedTemplates } from './parsed-templates.js';
import { Previews } from './previews.service.js';

@Module({
  imports: [UsersModule],
  controllers: [MessageTemplatesController],
  providers: [MessageTemplatesService, MessageTemplatesRepository, ParsedTemplates, Previews],
  exports: [MessageTemplatesService],
})
export class MessageTemplatesModule {}
