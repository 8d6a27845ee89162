import type { InstantMs } from '../../core/kernel/instant.js';
import type { CallbackView } from './callbacks.dto.js';
import type { CallbackRow } from './callbacks.repository.js';

const isoOf = (at: InstantMs | null): string | null => (at === null ? null : new Date(at).toISOString());

export const toCallbackView = (row: CallbackRow): CallbackView => ({
  id: row.id,
  account: row.accountKey,
  event_id: row.providerEventId,
  name: row.name,
  kind: row.kind,
  state: row.state,
  delivery_id: row.deliveryId,
  provider_message_id: row.providerMessageId,
  detail: row.detail,
  at: isoOf(row.at),
  received_at: new Date(row.receivedAt).toISOString(),
  applied_at: isoOf(row.appliedAt),
  attempts: row.attempts,
  next_attempt_at: isoOf(row.nextAttemptAt),
});
