import { Module } from '@nestjs/common';
import { SendingDomainsModule } from '../sending-domains/index.js';
import { UsersModule } from '../users/index.js';
import { BulksRepository } from './bulks.repository.js';
import { DeadLettersController } from './dead-letters.controller.js';
import { DeadLettersRepository } from './dead-letters.repository.js';
import { DeadLettersService } from './dead-letters.service.js';
import { ReplayKeeper } from './replay-keeper.js';
import { Replayer } from './replayer.js';
import { ReplaysRepository } from './replays.repository.js';

/** Messages that nobody sends any more; deliveries and steps are global modules of the composition root. */
@Module({
  imports: [SendingDomainsModule, UsersModule],
  controllers: [DeadLettersController],
  providers: [BulksRepository, DeadLettersRepository, DeadLettersService, Replayer, ReplayKeeper, ReplaysRepository],
})
export class DeadLettersModule {}
