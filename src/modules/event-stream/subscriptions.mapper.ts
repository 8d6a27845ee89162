import type { InstantMs } from '../../core/kernel/instant.js';
import type { AttemptRow, MessageRow } from './messages.repository.js';
import type { ReplayRow } from './replays.repository.js';
import type {
  EventAttemptView,
  EventReplayView,
  EventSubscriptionView,
  SubscribedEventView,
} from './subscriptions.dto.js';
import type { SubscriptionRow } from './subscriptions.repository.js';

const text = (at: InstantMs): string => new Date(at).toISOString();
const textOrNull = (at: InstantMs | null): string | null => (at === null ? null : text(at));

export const toSubscriptionView = (row: SubscriptionRow): EventSubscriptionView => ({
  id: row.id,
  key: row.key,
  name: row.name,
  endpoint: row.endpoint,
  types: [...row.types],
  format: row.format,
  state: row.state,
  reason: row.reason,
  held_until: textOrNull(row.heldUntil),
  failing_since: textOrNull(row.failingSince),
  created_at: text(row.createdAt),
  updated_at: text(row.updatedAt),
});

export const toEventView = (row: MessageRow): SubscribedEventView => ({
  id: row.id,
  type: row.type,
  subject: row.subject,
  at: text(row.at),
  data: row.data === null ? null : { ...row.data },
  state: row.state,
  attempts: row.attempts,
  next_attempt_at: textOrNull(row.nextAttemptAt),
  settled_at: textOrNull(row.settledAt),
  because: row.because,
});

export const toAttemptView = (row: AttemptRow): EventAttemptView => ({
  id: row.id,
  event_id: row.eventId,
  type: row.type,
  attempt: row.attempt,
  state: row.state,
  status: row.status,
  because: row.because,
  duration_ms: row.durationMs,
  answer: row.answer,
  at: text(row.at),
});

export const toReplayView = (row: ReplayRow): EventReplayView => ({
  id: row.id,
  since: textOrNull(row.since),
  until: text(row.until),
  event_ids: row.eventIds === null ? null : [...row.eventIds],
  only_dead: row.isDeadOnly,
  queued: row.queued,
  started_at: text(row.startedAt),
  finished_at: textOrNull(row.finishedAt),
});
