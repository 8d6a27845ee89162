/** Columns of a row `delivery`: of `DeliveryRow` what does not depend on the time of asking. */
export const DELIVERY_COLUMNS = `delivery.id, delivery.user_id as "userId", delivery.decision_id as "decisionId",
  delivery.run_key as "runKey", delivery.step_id as "stepId", delivery.visit, delivery.channel, delivery.provider,
  delivery.action, delivery.template, delivery.template_version as "templateVersion", delivery.purpose, delivery.state,
  delivery.attempt, delivery.provider_message_id as "providerMessageId", delivery.failure,
  delivery.clock_domain as "clockDomain", delivery.claimed_at as "claimedAt", delivery.settled_at as "settledAt",
  delivery.open_count as "openCount", delivery.click_count as "clickCount", delivery.cost::float8 as cost,
  delivery.tracking`;
