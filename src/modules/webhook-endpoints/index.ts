export { WebhookEndpointsModule } from './webhook-endpoints.module.js';
export { WebhookSender } from './webhook-sender.js';
