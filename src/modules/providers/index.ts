export { ProviderAccounts } from './provider-accounts.js';
export { ProvidersModule } from './providers.module.js';
