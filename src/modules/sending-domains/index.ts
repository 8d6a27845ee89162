export { domainOfSender } from './domain-of-sender.js';
export { SendingDomainsModule } from './sending-domains.module.js';
export { SendingGuard, type Standing } from './sending-guard.js';
export { SendingHooks } from './sending-hooks.js';
