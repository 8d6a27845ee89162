import { Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { UserHooks, UsersModule } from '../users/index.js';
import { DeliveriesController } from './deliveries.controller.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveriesService } from './deliveries.service.js';
import { DeliverySettler } from './delivery-settler.js';
import { ProvidersModule } from '../providers/index.js';
import { EMAIL_OPTIONS, EmailConnector, type EmailOptions } from './email.connector.js';
import { Outlets } from './outlets.js';
import { SlotsRepository } from './slots.repository.js';

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
      imports: [UsersModule, ProvidersModule],
      controllers: [DeliveriesController],
      providers: [
        { provide: EMAIL_OPTIONS, useValue: email },
        EmailConnector,
        Outlets,
        SlotsRepository,
        DeliveriesRepository,
        DeliveriesService,
        DeliverySettler,
      ],
      exports: [DeliveriesService, DeliverySettler],
    };
  }
}
