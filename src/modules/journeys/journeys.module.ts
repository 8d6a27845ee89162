import { Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { ActionsModule } from '../actions/index.js';
import { MessageTemplatesModule } from '../message-templates/index.js';
import { UserHooks, UsersModule } from '../users/index.js';
import { WebhookEndpointsModule } from '../webhook-endpoints/index.js';
import { Admission } from './admission.js';
import { EnrolmentService, IS_VIRTUAL_TIME_ALLOWED } from './enrolment.service.js';
import { EntriesRepository } from './entries.repository.js';
import { JourneyVersions } from './journey-versions.js';
import { JourneysController } from './journeys.controller.js';
import { JourneysRepository } from './journeys.repository.js';
import { JourneysService } from './journeys.service.js';
import { OutboxDelivery } from './outbox.delivery.js';
import { OUTBOX_POLL_MS, OutboxDispatcher } from './outbox.dispatcher.js';
import { OutboxRepository } from './outbox.repository.js';
import { RunGateway, TASK_QUEUE } from './run-gateway.js';
import { RunResponses } from './run-responses.repository.js';
import { RunSignals } from './run-signals.js';
import { RunsController } from './runs.controller.js';
import { RunsRepository } from './runs.repository.js';
import { RunsService } from './runs.service.js';

export interface JourneysOptions {
  readonly taskQueue: string;
  readonly outboxPollMs: number;
  readonly isVirtualTimeAllowed: boolean;
}

@Module({})
export class JourneysModule implements OnModuleInit {
  constructor(
    private readonly hooks: UserHooks,
    private readonly signals: RunSignals,
    private readonly responses: RunResponses,
  ) {}

  static forRoot(options: JourneysOptions): DynamicModule {
    return {
      module: JourneysModule,
      global: true,
      imports: [UsersModule, MessageTemplatesModule, ActionsModule, WebhookEndpointsModule],
      controllers: [JourneysController, RunsController],
      providers: [
        { provide: TASK_QUEUE, useValue: options.taskQueue },
        { provide: OUTBOX_POLL_MS, useValue: options.outboxPollMs },
        { provide: IS_VIRTUAL_TIME_ALLOWED, useValue: options.isVirtualTimeAllowed },
        Admission,
        Clock,
        EnrolmentService,
        EntriesRepository,
        JourneyVersions,
        JourneysRepository,
        JourneysService,
        OutboxDelivery,
        OutboxDispatcher,
        OutboxRepository,
        RunGateway,
        RunResponses,
        RunSignals,
        RunsRepository,
        RunsService,
      ],
      exports: [Admission, EnrolmentService, JourneyVersions, RunResponses, RunSignals, RunsRepository],
    };
  }

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.signals.exit(transaction, userId, 'user_erased'));
    this.hooks.onErase((transaction, { userId }) => this.responses.eraseUser(transaction, userId));
    this.hooks.onChange((transaction, userIds, by) => this.signals.wake(transaction, userIds, 'profile_changed', by));
    this.hooks.onCommitted(() => this.signals.kick());
  }
}
