import { Module } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { ConsentsModule } from '../consents/index.js';
import { OutcomesModule } from '../outcomes/index.js';
import { ProvidersModule } from '../providers/index.js';
import { UnsubscribeModule } from '../unsubscribe/index.js';
import { CallbackApplier } from './callback-applier.js';
import { CallbackSchemes } from './callback-schemes.js';
import { CallbacksController } from './callbacks.controller.js';
import { CallbacksRepository } from './callbacks.repository.js';
import { CallbacksService } from './callbacks.service.js';
import { InboxController } from './inbox.controller.js';
import { SnsClient } from './sns-client.js';

/** What providers tell of messages; deliveries are a global module of the composition root. */
@Module({
  imports: [ConsentsModule, OutcomesModule, ProvidersModule, UnsubscribeModule],
  controllers: [InboxController, CallbacksController],
  providers: [CallbackApplier, CallbackSchemes, CallbacksRepository, CallbacksService, Clock, SnsClient],
})
export class CallbacksModule {}
