import { Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { ActionsModule } from '../actions/index.js';
import { MessageTemplatesModule } from '../message-templates/index.js';
import { UserHooks, UsersModule } from '../users/index.js';
import { WebhookEndpointsModule } from '../webhook-endpoints/index.js';
import { JourneyVersions } from './definitions/journey-versions.js';
import { JourneysController } from './definitions/journeys.controller.js';
import { JourneysRepository } from './definitions/journeys.repository.js';
import { JourneysService } from './definitions/journeys.service.js';
import { Admission } from './entry/admission.js';
import { EnrolmentController } from './entry/enrolment.controller.js';
import { EnrolmentService, IS_VIRTUAL_TIME_ALLOWED } from './entry/enrolment.service.js';
import { EntriesRepository } from './entry/entries.repository.js';
import { TriggersController } from './entry/triggers.controller.js';
import { TriggersRepository } from './entry/triggers.repository.js';
import { TriggersService } from './entry/triggers.service.js';
import { JourneyGatesRepository } from './life/journey-gates.repository.js';
import { JourneyHooks } from './life/journey-hooks.js';
import { JourneyLifeController } from './life/journey-life.controller.js';
import { JourneyLifeRepository } from './life/journey-life.repository.js';
import { JourneyLife } from './life/journey-life.service.js';
import { JourneyStopper } from './life/journey-stopper.js';
import { JourneyStopsRepository } from './life/journey-stops.repository.js';
import { MigrationRunsRepository } from './migrations/migrations-runs.repository.js';
import { MigrationsController } from './migrations/migrations.controller.js';
import { MigrationMover } from './migrations/migrations.mover.js';
import { MigrationsRepository } from './migrations/migrations.repository.js';
import { MigrationsService } from './migrations/migrations.service.js';
import { MigrationStarter } from './migrations/migrations.starter.js';
import { OutboxDelivery } from './outbox/outbox.delivery.js';
import { OUTBOX_POLL_MS, OutboxDispatcher } from './outbox/outbox.dispatcher.js';
import { OutboxRepository } from './outbox/outbox.repository.js';
import { JumpController } from './runs/jump.controller.js';
import { JumpService } from './runs/jump.service.js';
import { RunExecutions } from './runs/run-executions.js';
import { RunGateway, TASK_QUEUE } from './runs/run-gateway.js';
import { RunPaths } from './runs/run-paths.js';
import { RunReconcileController } from './runs/run-reconcile.controller.js';
import { RunReconciles } from './runs/run-reconcile.repository.js';
import { RunReconcileService } from './runs/run-reconcile.service.js';
import { RunReconciler } from './runs/run-reconciler.js';
import { RunReporter } from './runs/run-reporter.js';
import { RunResponses } from './runs/run-responses.repository.js';
import { RunSignals } from './runs/run-signals.js';
import { RunsController } from './runs/runs.controller.js';
import { RunsRepository } from './runs/runs.repository.js';
import { RunsService } from './runs/runs.service.js';
import { SplitsController } from './splits/splits.controller.js';
import { SplitsRepository } from './splits/splits.repository.js';
import { SplitsService } from './splits/splits.service.js';

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
        EnrolmentController,
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
