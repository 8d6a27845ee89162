import { Module } from '@nestjs/common';
import { ProviderAccounts } from './provider-accounts.js';
import { ProviderAccountsRepository } from './provider-accounts.repository.js';
import { ProvidersController } from './providers.controller.js';
import { ProvidersService } from './providers.service.js';

@Module({
  controllers: [ProvidersController],
  providers: [ProviderAccountsRepository, ProviderAccounts, ProvidersService],
  exports: [ProviderAccounts],
})
export class ProvidersModule {}
