export { WebhookEndpointsModule } from './webhook-endpoints.module.js';
export { WebhookEndpointsService } from './webhook-endpoints.service.js';
export { WebhookSender } from './webhook-sender.js';
