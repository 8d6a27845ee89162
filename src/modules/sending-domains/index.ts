export { SendingDomainsModule } from './sending-domains.module.js';
export { SendingGuard, type Standing } from './sending-guard.js';
