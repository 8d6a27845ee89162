import { Module, type DynamicModule } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { DecisionsModule } from '../decisions/index.js';
import { MessageTemplatesModule } from '../message-templates/index.js';
import { PreferencesModule } from '../preferences/index.js';
import { TrackingModule } from '../tracking/index.js';
import { UnsubscribeModule } from '../unsubscribe/index.js';
import { UsersModule } from '../users/index.js';
import { WebhookEndpointsModule } from '../webhook-endpoints/index.js';
import { COMPANY, MessageRenderer, type Company } from './message-renderer.js';
import { WebhookActs } from './acts-webhook.service.js';
import { ActsRepository } from './acts.repository.js';
import { Acts } from './acts.service.js';
import { Moments } from './moments.service.js';
import { RunQuestionsRepository } from './run-questions.repository.js';
import { RunQuestions } from './run-questions.service.js';
import { StepClaims } from './step-claims.js';
import { StepDecider } from './step-decider.js';
import { PendingRepository } from './pending.repository.js';
import { StepsRepository } from './steps.repository.js';
import { StepsService } from './steps.service.js';

/** What runs do in their steps; like deliveries and journeys a global module of the composition root. */
@Module({})
export class StepsModule {
  static forRoot(company: Company): DynamicModule {
    return {
      module: StepsModule,
      global: true,
      imports: [
        DecisionsModule,
        MessageTemplatesModule,
        PreferencesModule,
        TrackingModule,
        UnsubscribeModule,
        UsersModule,
        WebhookEndpointsModule,
      ],
      providers: [
        { provide: COMPANY, useValue: company },
        Acts,
        ActsRepository,
        Clock,
        MessageRenderer,
        Moments,
        RunQuestions,
        RunQuestionsRepository,
        WebhookActs,
        StepClaims,
        StepDecider,
        StepsRepository,
        PendingRepository,
        StepsService,
      ],
      exports: [Acts, Moments, RunQuestions, StepsService],
    };
  }
}
