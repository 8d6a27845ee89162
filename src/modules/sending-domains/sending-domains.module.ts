import { Module } from '@nestjs/common';
import { SendingDomainsController } from './sending-domains.controller.js';
import { SendingDomainsRepository } from './sending-domains.repository.js';
import { SendingDomainsService } from './sending-domains.service.js';
import { SendingGuard } from './sending-guard.js';
import { SendingHooks } from './sending-hooks.js';

/** Guards of the domains from which e-mail goes out. */
@Module({
  controllers: [SendingDomainsController],
  providers: [SendingDomainsRepository, SendingDomainsService, SendingGuard, SendingHooks],
  exports: [SendingGuard, SendingHooks],
})
export class SendingDomainsModule {}
