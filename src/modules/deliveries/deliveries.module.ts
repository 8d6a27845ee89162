import { Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { UserHooks, UsersModule } from '../users/index.js';
import { DeliveriesController } from './deliveries.controller.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveriesService } from './deliveries.service.js';
import { SendingDomainsModule } from '../sending-domains/index.js';
import { DeliverySettler } from './delivery-settler.js';
import { ProvidersModule } from '../providers/index.js';
import { WebhookEndpointsModule } from '../webhook-endpoints/index.js';
import { ProviderChecksController } from './check/provider-checks.controller.js';
import { ProviderChecks } from './check/provider-checks.service.js';
import { EMAIL_OPTIONS, EmailConnector, type EmailOptions } from './email.connector.js';
import { InAppConnector } from './in-app/in-app.connector.js';
import { InboxDeposits } from './in-app/inbox-deposits.repository.js';
import { LookUps } from './look-ups.js';
import { LookUpsRepository } from './look-ups.repository.js';
import { Outlets } from './outlets.js';
import { RefusedRepository } from './refused.repository.js';
import { SlotsRepository } from './slots.repository.js';
import { Turns } from './turns.js';
import { WebhookConnector } from './webhook/webhook.connector.js';

@Module({})
export class DeliveriesModule implements OnModuleInit {
  constructor(
    private readonly hooks: UserHooks,
    private readonly deliveries: DeliveriesRepository,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, { userId }) => this.deliveries.eraseUser(transaction, userId));
  }

  static forRoot(email: EmailOptions): DynamicModule {
    return {
      module: DeliveriesModule,
      global: true,
      imports: [UsersModule, ProvidersModule, SendingDomainsModule, WebhookEndpointsModule],
      controllers: [DeliveriesController, ProviderChecksController],
      providers: [
        { provide: EMAIL_OPTIONS, useValue: email },
        Clock,
        EmailConnector,
        InAppConnector,
        InboxDeposits,
        WebhookConnector,
        Outlets,
        ProviderChecks,
        RefusedRepository,
        SlotsRepository,
        Turns,
        LookUpsRepository,
        LookUps,
        DeliveriesRepository,
        DeliveriesService,
        DeliverySettler,
      ],
      exports: [DeliveriesService, DeliverySettler, RefusedRepository],
    };
  }
}
