import { Module } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { WebhookEndpointsController } from './webhook-endpoints.controller.js';
import { WebhookEndpointsRepository } from './webhook-endpoints.repository.js';
import { WebhookEndpointsService } from './webhook-endpoints.service.js';
import { WebhookSender } from './webhook-sender.js';

@Module({
  controllers: [WebhookEndpointsController],
  providers: [Clock, WebhookEndpointsRepository, WebhookEndpointsService, WebhookSender],
  exports: [WebhookEndpointsService, WebhookSender],
})
export class WebhookEndpointsModule {}
