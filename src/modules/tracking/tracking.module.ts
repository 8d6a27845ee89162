import { Module } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { ConsentsModule } from '../consents/index.js';
import { OutcomesModule } from '../outcomes/index.js';
import { Hits } from './hits.service.js';
import { MessageTracking } from './message-tracking.js';
import { TrackingController } from './tracking.controller.js';
import { TrackingTokens } from './tracking-tokens.js';

/** Clicks and openings of messages; deliveries are a global module of the composition root. */
@Module({
  imports: [ConsentsModule, OutcomesModule],
  controllers: [TrackingController],
  providers: [Clock, Hits, MessageTracking, TrackingTokens],
  exports: [MessageTracking],
})
export class TrackingModule {}
