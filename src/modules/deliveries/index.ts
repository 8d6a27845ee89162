export { DeliveriesModule } from './deliveries.module.js';
export type { DeliveryRow } from './deliveries.repository.js';
export { DeliveriesService, type ClaimedDelivery } from './deliveries.service.js';
export { DeliverySettler } from './delivery-settler.js';
