export type { ProviderAccount, ProviderKind } from './provider-account.js';
export { ProviderAccounts } from './provider-accounts.js';
export { ProvidersModule } from './providers.module.js';
