import type { MessageTemplateInput, MessageTemplateView } from './message-templates.dto.js';
import type { MessageTemplateDefinition, MessageTemplateRow } from './message-templates.repository.js';

export const toDefinition = (input: MessageTemplateInput): MessageTemplateDefinition => ({
  channel: input.channel,
  purpose: input.purpose,
  legalBasis: input.legal_basis,
  brand: input.brand,
  tags: input.tags,
  subject: input.subject,
  html: input.html,
  text: input.text,
});

export const toMessageTemplateView = (row: MessageTemplateRow): MessageTemplateView => ({
  id: row.id,
  key: row.key,
  version: row.version,
  channel: row.channel,
  purpose: row.purpose,
  legal_basis: row.legalBasis,
  brand: row.brand,
  tags: [...row.tags],
  subject: row.subject,
  html: row.html,
  text: row.text,
  created_at: new Date(row.createdAt).toISOString(),
});
