import { Module } from '@nestjs/common';
import { ConsentsModule } from '../consents/index.js';
import { DevicesModule } from '../devices/index.js';
import { SendingDomainsModule } from '../sending-domains/index.js';
import { SuppressionsModule } from '../suppressions/index.js';
import { UsersModule } from '../users/index.js';
import { OutcomeConsequences } from './outcome-consequences.js';
import { OutcomesController } from './outcomes.controller.js';
import { OutcomesRepository } from './outcomes.repository.js';
import { OutcomesService } from './outcomes.service.js';

/** What became of messages; deliveries and journeys are global modules of the composition root. */
@Module({
  imports: [ConsentsModule, DevicesModule, SendingDomainsModule, SuppressionsModule, UsersModule],
  controllers: [OutcomesController],
  providers: [OutcomeConsequences, OutcomesRepository, OutcomesService],
  exports: [OutcomesService],
})
export class OutcomesModule {}
