import { Module } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { OutcomesModule } from '../outcomes/index.js';
import { UsersModule } from '../users/index.js';
import { InboxTokens } from './inbox-tokens.js';
import { InboxTokensController } from './inbox-tokens.controller.js';
import { InboxGuard } from './inbox.guard.js';
import { InboxRepository } from './inbox.repository.js';
import { InboxService } from './inbox.service.js';
import { UserInboxController } from './user-inbox.controller.js';

/** Inboxes in apps and on sites; deliveries, which put entries there, are a global module of the composition root. */
@Module({
  imports: [OutcomesModule, UsersModule],
  controllers: [InboxTokensController, UserInboxController],
  providers: [Clock, InboxGuard, InboxRepository, InboxService, InboxTokens],
})
export class InboxModule {}
