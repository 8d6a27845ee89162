import { Module } from '@nestjs/common';
import { ConsentsModule } from '../consents/index.js';
import { UnsubscribeMail } from './unsubscribe-mail.js';
import { UnsubscribeTokens } from './unsubscribe-tokens.js';
import { UnsubscribeController } from './unsubscribe.controller.js';
import { UnsubscribeService } from './unsubscribe.service.js';

@Module({
  imports: [ConsentsModule],
  controllers: [UnsubscribeController],
  providers: [UnsubscribeMail, UnsubscribeService, UnsubscribeTokens],
  exports: [UnsubscribeMail, UnsubscribeTokens],
})
export class UnsubscribeModule {}
