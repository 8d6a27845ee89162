import { Module } from '@nestjs/common';
import { MessageTemplatesModule } from '../message-templates/index.js';
import { SuppressionsModule } from '../suppressions/index.js';
import { UsersModule } from '../users/index.js';
import { ConfirmController } from './confirm.controller.js';
import { ConfirmationDispatcher } from './confirmation.dispatcher.js';
import { ConfirmationMails } from './confirmation-mail.js';
import { ConfirmationSender } from './confirmation.sender.js';
import { ConfirmationTokens } from './confirmation-tokens.js';
import { ConfirmationsRepository } from './confirmations.repository.js';
import { ConsentsController } from './consents.controller.js';
import { ConsentLedger } from './consents.ledger.js';
import { ConsentsRepository } from './consents.repository.js';
import { ConsentsService } from './consents.service.js';
import { DoubleOptIn } from './double-opt-in.service.js';
import { KeywordsController } from './keywords.controller.js';
import { KeywordsRepository } from './keywords.repository.js';
import { KeywordsService } from './keywords.service.js';
import { OptOuts } from './opt-outs.service.js';
import { ReceiptsController } from './receipts.controller.js';
import { ReceiptsService } from './receipts.service.js';

/** Deliveries and journeys are global modules of the composition root. */
@Module({
  imports: [MessageTemplatesModule, SuppressionsModule, UsersModule],
  controllers: [KeywordsController, ReceiptsController, ConsentsController, ConfirmController],
  providers: [
    ConfirmationDispatcher,
    ConfirmationMails,
    ConfirmationSender,
    ConfirmationTokens,
    ConfirmationsRepository,
    ConsentLedger,
    ConsentsRepository,
    ConsentsService,
    DoubleOptIn,
    KeywordsRepository,
    KeywordsService,
    OptOuts,
    ReceiptsService,
  ],
  exports: [ConsentsService, KeywordsService, OptOuts],
})
export class ConsentsModule {}
