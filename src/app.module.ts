import { Module, type DynamicModule } from '@nestjs/common';
import { AccessModule } from './modules/access/index.js';
import { ActionsModule } from './modules/actions/index.js';
import { AudienceSyncsModule } from './modules/audience-syncs/index.js';
import { BulkEnrolmentsModule } from './modules/bulk-enrolments/index.js';
import { CallbacksModule } from './modules/callbacks/index.js';
import { ConsentsModule } from './modules/consents/index.js';
import { ControlsModule } from './modules/controls/index.js';
import { DeadLettersModule } from './modules/dead-letters/index.js';
import { DecisionsModule } from './modules/decisions/index.js';
import { DeliveriesModule } from './modules/deliveries/index.js';
import { DevicesModule } from './modules/devices/index.js';
import { EventStreamModule } from './modules/event-stream/index.js';
import { EventsModule } from './modules/events/index.js';
import { HealthModule } from './modules/health/index.js';
import { HoldsModule } from './modules/holds/index.js';
import { InboxModule } from './modules/inbox/index.js';
import { JourneysModule } from './modules/journeys/index.js';
import { MessageTemplatesModule } from './modules/message-templates/index.js';
import { OutcomesModule } from './modules/outcomes/index.js';
import { PreferencesModule } from './modules/preferences/index.js';
import { PayloadKeysModule } from './modules/payload-keys/index.js';
import { PoliciesModule } from './modules/policies/index.js';
import { ProvidersModule } from './modules/providers/index.js';
import { RunViewsModule } from './modules/run-views/index.js';
import { SendingDomainsModule } from './modules/sending-domains/index.js';
import { SimulationsModule } from './modules/simulations/index.js';
import { StepsModule } from './modules/steps/index.js';
import { SuppressionsModule } from './modules/suppressions/index.js';
import { TrackingModule } from './modules/tracking/index.js';
import { UnsubscribeModule } from './modules/unsubscribe/index.js';
import { UsersModule } from './modules/users/index.js';
import { WebhookEndpointsModule } from './modules/webhook-endpoints/index.js';
import { AddressModule } from './platform/address/address.module.js';
import { ConfigModule } from './platform/config/config.module.js';
import type { Config } from './platform/config/config.js';
import { DatabaseModule } from './platform/database/database.module.js';
import { HttpModule } from './platform/http/http.module.js';
import { ObservabilityModule } from './platform/observability/observability.module.js';
import { TemporalModule } from './platform/temporal/temporal.module.js';

/** Lists the platform, then every feature. */
@Module({})
export class AppModule {
  static register(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        ObservabilityModule,
        DatabaseModule.forRoot(config.database),
        TemporalModule.forRoot(config.temporal),
        PayloadKeysModule.forRoot({ isSealing: config.temporal.arePayloadsSealed }),
        AddressModule,
        HttpModule,
        AccessModule,
        HealthModule,
        UsersModule,
        ConsentsModule,
        EventsModule,
        SuppressionsModule,
        MessageTemplatesModule,
        ActionsModule,
        PoliciesModule,
        ControlsModule,
        JourneysModule.forRoot({
          taskQueue: config.temporal.taskQueue,
          outboxPollMs: config.outbox.pollMs,
          isVirtualTimeAllowed: !config.isProduction,
        }),
        BulkEnrolmentsModule,
        HoldsModule,
        DevicesModule,
        TrackingModule,
        UnsubscribeModule,
        PreferencesModule,
        DecisionsModule,
        DeliveriesModule.forRoot(config.email),
        OutcomesModule,
        InboxModule,
        AudienceSyncsModule,
        ProvidersModule,
        SendingDomainsModule,
        CallbacksModule,
        WebhookEndpointsModule,
        EventStreamModule,
        StepsModule.forRoot(config.company),
        DeadLettersModule,
        SimulationsModule,
        RunViewsModule,
      ],
    };
  }
}
