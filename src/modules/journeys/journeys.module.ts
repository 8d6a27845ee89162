import { Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { ActionsModule } from '../actions/index.js';
import { MessageTemplatesModule } from '../message-templates/index.js';
import { UserHooks, UsersModule } from '../users/index.js';
import { WebhookEndpointsModule } from '../webhook-endpoints/index.js';
import { Admission } from './admission.js';
import { EnrolmentService, IS_VIRTUAL_TIME_ALLOWED } from './enrolment.service.js';
import { EntriesRepository } from './entries.repository.js';
import { JourneyGatesRepository } from './journey-gates.repository.js';
import { JourneyHooks } from './journey-hooks.js';
import { JourneyLifeController } from './journey-life.controller.js';
import { JourneyLifeRepository } from './journey-life.repository.js';
import { JourneyLife } from './journey-life.service.js';
import { JourneyStopper } from './journey-stopper.js';
import { JourneyStopsRepository } from './journey-stops.repository.js';
import { JourneyVersions } from './journey-versions.js';
import { JourneysController } from './journeys.controller.js';
import { JourneysRepository } from './journeys.repository.js';
import { JourneysService } from './journeys.service.js';
import { JumpController } from './jump.controller.js';
import { JumpService } from './jump.service.js';
import { MigrationRunsRepository } from './migrations-runs.repository.js';
import { MigrationsController } from './migrations.controller.js';
import { MigrationMover } from './migrations.mover.js';
import { MigrationsRepository } from './migrations.repository.js';
import { MigrationsService } from './migrations.service.js';
import { MigrationStarter } from './migrations.starter.js';
import { OutboxDelivery } from './outbox.delivery.js';
import { OUTBOX_POLL_MS, OutboxDispatcher } from './outbox.dispatcher.js';
import { OutboxRepository } from './outbox.repository.js';
import { RunGateway, TASK_QUEUE } from './run-gateway.js';
import { RunExecutions } from './run-executions.js';
import { RunReconcileController } from './run-reconcile.controller.js';
import { RunReconciles } from './run-reconcile.repository.js';
import { RunReconcileService } from './run-reconcile.service.js';
import { RunReconciler } from './run-reconciler.js';
import { RunResponses } from './run-responses.repository.js';
import { RunSignals } from './run-signals.js';
import { RunPaths } from './run-paths.js';
import { RunReporter } from './run-reporter.js';
import { RunsController } from './runs.controller.js';
import { RunsRepository } from './runs.repository.js';
import { RunsService } from './runs.service.js';
import { SplitsController } from './splits.controller.js';
import { SplitsRepository } from './splits.repository.js';
import { SplitsService } from './splits.service.js';
import { TriggersController } from './triggers.controller.js';
import { TriggersRepository } from './triggers.repository.js';
import { TriggersService } from './triggers.service.js';

export interface JourneysOptions {
  readonly taskQueue: string;
  readonly outboxPollMs: number;
  readonly isVirtualTimeAllowed: boolean;
}

const SERVICES = [
  Admission,
  Clock,
  EnrolmentService,
  EntriesRepository,
  JourneyGatesRepository,
  JourneyHooks,
  JourneyLife,
  JourneyLifeRepository,
  JourneyStopper,
  JourneyStopsRepository,
  JourneyVersions,
  JourneysRepository,
  JourneysService,
  JumpService,
  MigrationMover,
  MigrationRunsRepository,
  MigrationStarter,
  MigrationsRepository,
  MigrationsService,
  OutboxDelivery,
  OutboxDispatcher,
  OutboxRepository,
  RunExecutions,
  RunGateway,
  RunPaths,
  RunReconciler,
  RunReconciles,
  RunReconcileService,
  RunReporter,
  RunResponses,
  RunSignals,
  RunsRepository,
  RunsService,
  SplitsRepository,
  SplitsService,
  TriggersRepository,
  TriggersService,
];

@Module({})
export class JourneysModule implements OnModuleInit {
  constructor(
    private readonly hooks: UserHooks,
    private readonly signals: RunSignals,
    private readonly responses: RunResponses,
    private readonly triggers: TriggersRepository,
  ) {}

  static forRoot(options: JourneysOptions): DynamicModule {
    return {
      module: JourneysModule,
      global: true,
      imports: [UsersModule, MessageTemplatesModule, ActionsModule, WebhookEndpointsModule],
      controllers: [
        JourneyLifeController,
        JourneysController,
        JumpController,
        MigrationsController,
        RunReconcileController,
        RunsController,
        SplitsController,
        TriggersController,
      ],
      providers: [
        { provide: TASK_QUEUE, useValue: options.taskQueue },
        { provide: OUTBOX_POLL_MS, useValue: options.outboxPollMs },
        { provide: IS_VIRTUAL_TIME_ALLOWED, useValue: options.isVirtualTimeAllowed },
        ...SERVICES,
      ],
      exports: [
        Admission,
        EnrolmentService,
        JourneyHooks,
        JourneyVersions,
        MigrationMover,
        OutboxRepository,
        RunReconciler,
        RunReporter,
        RunResponses,
        RunSignals,
        RunsRepository,
      ],
    };
  }

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.signals.exit(transaction, userId, 'user_erased'));
    this.hooks.onErase((transaction, { userId }) => this.responses.eraseUser(transaction, userId));
    this.hooks.onErase((transaction, { userId }) => this.triggers.eraseUser(transaction, userId));
    this.hooks.onChange((transaction, userIds, by) => this.signals.wake(transaction, userIds, 'profile_changed', by));
    this.hooks.onCommitted(() => this.signals.kick());
  }
}
