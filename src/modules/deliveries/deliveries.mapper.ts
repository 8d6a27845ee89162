import type { DeliveryView } from './deliveries.dto.js';
import type { DeliveryRow } from './deliveries.repository.js';

export const toDeliveryView = (delivery: DeliveryRow): DeliveryView => ({
  id: delivery.id,
  user_id: delivery.userId,
  decision_id: delivery.decisionId,
  run_key: delivery.runKey,
  step_id: delivery.stepId,
  visit: delivery.visit,
  channel: delivery.channel,
  provider: delivery.provider,
  action: delivery.action,
  template: delivery.template,
  template_version: delivery.templateVersion,
  purpose: delivery.purpose,
  state: delivery.state,
  attempt: delivery.attempt,
  provider_message_id: delivery.providerMessageId,
  failure: delivery.failure,
  tracking: delivery.tracking,
  open_count: delivery.openCount,
  click_count: delivery.clickCount,
  cost: delivery.cost,
  clock_domain: delivery.clockDomain,
  claimed_at: new Date(delivery.claimedAt).toISOString(),
  settled_at: delivery.settledAt === null ? null : new Date(delivery.settledAt).toISOString(),
});
