import { Module, type DynamicModule } from '@nestjs/common';
import { UsersModule } from '../users/index.js';
import { DeliveriesController } from './deliveries.controller.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveriesService } from './deliveries.service.js';
import { DeliverySettler } from './delivery-settler.js';
import { EMAIL_OPTIONS, EmailConnector, type EmailOptions } from './email.connector.js';

@Module({})
export class DeliveriesModule {
  static forRoot(email: EmailOptions): DynamicModule {
    return {
      module: DeliveriesModule,
      global: true,
      imports: [UsersModule],
      controllers: [DeliveriesController],
      providers: [
        { provide: EMAIL_OPTIONS, useValue: email },
        EmailConnector,
        DeliveriesRepository,
        DeliveriesService,
        DeliverySettler,
      ],
      exports: [DeliveriesService, DeliverySettler],
    };
  }
}
