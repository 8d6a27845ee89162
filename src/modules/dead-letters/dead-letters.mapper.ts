import { toDeliveryView } from '../deliveries/index.js';
import type { BulkRow } from './bulks.repository.js';
import { BLOCKERS, type DeadLetterRow, type ReplayRow } from './dead-letter-rows.js';
import type { BulkReplayView, DeadLetterSummaryView, DeadLetterView, ReplayView } from './dead-letters.dto.js';
import type { DeadLetterCount } from './dead-letters.repository.js';
import { explainReplay, REPLAY_STATES } from './replay-outcome.js';

const text = (at: number): string => new Date(at).toISOString();
const textOrNull = (at: number | null): string | null => (at === null ? null : text(at));

export const toDeadLetterView = (row: DeadLetterRow): DeadLetterView => ({
  ...toDeliveryView({ ...row, aliveForMs: 0, isInDoubt: false }),
  journey: row.journey,
  failure_class: row.failureClass,
  is_replayable: row.blocker === null,
  blocker: row.blocker,
  explanation: explain(row),
});

function explain({ blocker }: DeadLetterRow): string {
  if (blocker === null) return 'Its provider did not take it, and nothing was sent: it can be replayed.';
  if (blocker === 'DEAD_LETTER_OVER' || blocker === 'DEAD_LETTER_REPLAYING') return `${sentence(BLOCKERS[blocker])}.`;
  return `It cannot be replayed: ${BLOCKERS[blocker]}.`;
}

const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

export const toReplayView = (row: ReplayRow): ReplayView => ({
  id: row.id,
  delivery_id: row.deliveryId,
  bulk_id: row.bulkId,
  state: row.state,
  explanation: explainReplay(row),
  code: row.code,
  decision_id: row.decisionId,
  reason: row.reason,
  ordered_by: row.orderedBy,
  next_at: textOrNull(row.nextAt),
  expires_at: text(row.expiresAt),
  created_at: text(row.createdAt),
  ended_at: textOrNull(row.endedAt),
});

export function toSummaryView(counts: readonly DeadLetterCount[], groupsMax: number): DeadLetterSummaryView {
  const shown = counts.slice(0, groupsMax);
  return {
    total: shown.reduce((sum, { deliveries }) => sum + deliveries, 0),
    replayable: shown.reduce((sum, { replayable }) => sum + replayable, 0),
    is_complete: counts.length <= groupsMax,
    groups: shown.map(({ failureClass, ...count }) => ({ ...count, failure_class: failureClass })),
  };
}

export function toBulkView(row: BulkRow): BulkReplayView {
  const replays = Object.fromEntries(REPLAY_STATES.map((state) => [state, row.counts[state] ?? 0]));
  const waiting = row.counts.waiting ?? 0;
  const state = row.cancelledAt !== null ? 'cancelled' : waiting > 0 ? 'running' : 'done';
  return {
    id: row.id,
    state,
    explanation: explainBulk(state, waiting, row.chosen),
    max: row.replaysMax,
    chosen: row.chosen,
    replays: replays as BulkReplayView['replays'],
    reason: row.reason,
    ordered_by: row.orderedBy,
    created_at: text(row.createdAt),
    cancelled_at: textOrNull(row.cancelledAt),
  };
}

function explainBulk(state: BulkReplayView['state'], waiting: number, chosen: number): string {
  if (chosen === 0) return 'There was nothing to replay.';
  switch (state) {
    case 'running':
      return `${waiting} of ${chosen} replays wait for their turn, or are under way.`;
    case 'done':
      return `All ${chosen} replays are over.`;
    case 'cancelled':
      return waiting === 0
        ? 'It was called off; nothing more is sent.'
        : `It was called off; ${waiting} attempts that were under way end by themselves.`;
  }
}
