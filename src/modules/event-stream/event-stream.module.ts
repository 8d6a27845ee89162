import { Module } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { UsersModule } from '../users/index.js';
import { WebhookEndpointsModule } from '../webhook-endpoints/index.js';
import { FailingSubscribers } from './failing-subscribers.js';
import { MessagesRepository } from './messages.repository.js';
import { ReplaysRepository } from './replays.repository.js';
import { StreamDispatcher } from './stream-dispatcher.js';
import { StreamKeeper } from './stream-keeper.js';
import { StreamSender } from './stream-sender.js';
import { SubscriptionsController } from './subscriptions.controller.js';
import { SubscriptionsRepository } from './subscriptions.repository.js';
import { SubscriptionsService } from './subscriptions.service.js';

/** Tells subscribers of decisions, deliveries and consents. What is told is written by triggers, with the fact itself. */
@Module({
  imports: [UsersModule, WebhookEndpointsModule],
  controllers: [SubscriptionsController],
  providers: [
    Clock,
    FailingSubscribers,
    MessagesRepository,
    ReplaysRepository,
    StreamDispatcher,
    StreamKeeper,
    StreamSender,
    SubscriptionsRepository,
    SubscriptionsService,
  ],
})
export class EventStreamModule {}
