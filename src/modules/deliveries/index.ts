export type { ProviderLine, Route } from './connector.js';
export { DeliveryView } from './deliveries.dto.js';
export { toDeliveryView } from './deliveries.mapper.js';
export { DeliveriesModule } from './deliveries.module.js';
export type { DeliveredContact, DeliveryRow, DeliveryWord } from './deliveries.repository.js';
export { DeliveriesService, type ClaimedDelivery, type DeliveryResult } from './deliveries.service.js';
export type { Precedence } from './turns.js';
export { DeliverySettler } from './delivery-settler.js';
export { fingerprintOf } from './http/look-up.js';
