export { WebhookEndpointsModule } from './webhook-endpoints.module.js';
export { WebhookEndpointsService } from './webhook-endpoints.service.js';
export { WebhookSender, type TimedWebhookReply, type WebhookMessage, type WebhookReply } from './webhook-sender.js';
