import type { ActionInput, ActionView } from './actions.dto.js';
import type { ActionDefinition, ActionRow } from './actions.repository.js';

export const toDefinition = (input: ActionInput): ActionDefinition => ({
  name: input.name,
  channel: input.channel,
  template: input.template,
  tags: input.tags,
  isActive: input.is_active,
  eligibility: input.eligibility,
  propensity: input.propensity,
  contextWeight: input.context_weight,
  value: input.value,
  leverWeight: input.lever_weight,
  channelCost: input.channel_cost,
});

export const toActionView = (row: ActionRow): ActionView => ({
  id: row.id,
  key: row.key,
  version: row.version,
  name: row.name,
  channel: row.channel,
  template: row.template,
  tags: [...row.tags],
  is_active: row.isActive,
  eligibility: row.eligibility,
  propensity: row.propensity,
  context_weight: row.contextWeight,
  value: row.value,
  lever_weight: row.leverWeight,
  channel_cost: row.channelCost,
  created_at: new Date(row.createdAt).toISOString(),
  updated_at: new Date(row.updatedAt).toISOString(),
});
