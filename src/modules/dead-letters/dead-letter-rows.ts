import type { InstantMs } from '../../core/kernel/instant.js';
import { DELIVERY_COLUMNS, IS_REPEATED, WAS_TAKEN, type DeliveryRow } from '../deliveries/index.js';
import type { ReplayState } from './replay-outcome.js';

/** What kind of dead letter it is; see `CLASS`. */
export const FAILURE_CLASSES = ['refused', 'failed_later', 'unknown'] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** Why a delivery cannot be replayed, in words for an operator. */
export const BLOCKERS = {
  DEAD_LETTER_OVER: 'it is no dead letter any more',
  DEAD_LETTER_IN_DOUBT: 'nobody can tell whether its provider took it: a second message could reach the person',
  DEAD_LETTER_TAKEN:
    'its provider had taken it, and told later that it failed: a second message could reach the person',
  DEAD_LETTER_REPEATED: 'its step has contacted the person since: a second message would say the same',
  DEAD_LETTER_ERASED: 'the person was erased',
  DEAD_LETTER_VIRTUAL: 'it belongs to a virtual clock',
  DEAD_LETTER_WITHOUT_RUN: 'no run of a journey sent it',
  DEAD_LETTER_JOURNEY_OVER: 'its journey was stopped or archived',
  DEAD_LETTER_REPLAYING: 'a replay of it is under way',
} as const;
type Blocker = keyof typeof BLOCKERS;

/** A delivery that nobody sends any more, or that was one before it was replayed. */
export interface DeadLetterRow extends Omit<DeliveryRow, 'aliveForMs' | 'isInDoubt'> {
  readonly journey: string | null;
  readonly failureClass: FailureClass | null;
  /** Null: it can be replayed. */
  readonly blocker: Blocker | null;
}

/** One replay of one dead letter. */
export interface ReplayRow {
  readonly id: string;
  readonly deliveryId: string;
  readonly bulkId: string | null;
  readonly reason: string;
  readonly orderedBy: string;
  readonly state: ReplayState;
  readonly isClaimed: boolean;
  readonly code: string | null;
  readonly decisionId: string | null;
  readonly nextAt: InstantMs | null;
  readonly expiresAt: InstantMs;
  readonly createdAt: InstantMs;
  readonly endedAt: InstantMs | null;
}

/** Which dead letters are meant; null: whatever. */
export interface DeadLetterFilter {
  readonly state: 'failed' | 'unknown' | null;
  readonly failureClass: FailureClass | null;
  readonly channel: string | null;
  readonly provider: string | null;
  readonly journey: string | null;
  readonly template: string | null;
  /** How the words of the failure begin. */
  readonly failure: string | null;
  readonly userId: string | null;
  /** When it failed; inclusive. */
  readonly from: InstantMs | null;
  /** Exclusive. */
  readonly to: InstantMs | null;
  readonly isReplayableOnly: boolean;
}

// Of rows `delivery`, `entry` and `journey`, the last two of which may be missing.

/** Deliveries with the run and the journey that sent them. */
export const DELIVERIES = `deliveries delivery
  left join journey_entries entry on entry.run_key = delivery.run_key
  left join journeys journey on journey.id = entry.journey_id`;

/** `refused`: by the answer to its own attempt; `failed_later`: its provider had taken it. */
export const CLASS = `case when delivery.state = 'unknown' then 'unknown' when delivery.state <> 'failed' then null
  when delivery.is_refused and not ${WAS_TAKEN} then 'refused' else 'failed_later' end`;

/** The first thing that stands in the way of a replay; null: nothing does. */
export const BLOCKER = `case
  when delivery.state = 'unknown' then 'DEAD_LETTER_IN_DOUBT'
  when exists (select from dead_letter_replays open where open.delivery_id = delivery.id and open.state = 'waiting')
    then 'DEAD_LETTER_REPLAYING'
  when delivery.state <> 'failed' then 'DEAD_LETTER_OVER'
  when not delivery.is_refused or ${WAS_TAKEN} then 'DEAD_LETTER_TAKEN'
  when ${IS_REPEATED} then 'DEAD_LETTER_REPEATED'
  when delivery.address is null then 'DEAD_LETTER_ERASED'
  when delivery.clock_domain <> 'real' then 'DEAD_LETTER_VIRTUAL'
  when journey.id is null then 'DEAD_LETTER_WITHOUT_RUN'
  when journey.status in ('stopped', 'archived') then 'DEAD_LETTER_JOURNEY_OVER' end`;

/** What a filter says of a delivery, from parameter 1 on; see `filterValues`. */
export const MEANT = `delivery.state in ('failed', 'unknown')
  and ($1::text is null or delivery.state = $1) and ($2::text is null or ${CLASS} = $2)
  and ($3::text is null or delivery.channel = $3) and ($4::text is null or delivery.provider = $4)
  and ($5::text is null or journey.key = $5) and ($6::text is null or delivery.template = $6)
  and ($7::text is null or starts_with(delivery.failure, $7)) and ($8::uuid is null or delivery.user_id = $8)
  and ($9::float8 is null or delivery.settled_at >= to_timestamp($9::float8 / 1000))
  and ($10::float8 is null or delivery.settled_at < to_timestamp($10::float8 / 1000))
  and (not $11::boolean or ${BLOCKER} is null)`;

/** The values that `MEANT` takes. */
export const filterValues = (filter: DeadLetterFilter): readonly unknown[] => [
  filter.state,
  filter.failureClass,
  filter.channel,
  filter.provider,
  filter.journey,
  filter.template,
  filter.failure,
  filter.userId,
  filter.from,
  filter.to,
  filter.isReplayableOnly,
];

/** Columns of `DeadLetterRow`. */
export const DEAD_LETTER = `${DELIVERY_COLUMNS}, journey.key as journey, ${CLASS} as "failureClass", ${BLOCKER} as blocker`;

/** Columns of `ReplayRow`. */
export const REPLAY = `id, delivery_id as "deliveryId", bulk_id as "bulkId", reason, ordered_by as "orderedBy", state,
  claimed_at is not null as "isClaimed", code, decision_id as "decisionId", next_at as "nextAt",
  expires_at as "expiresAt", created_at as "createdAt", ended_at as "endedAt"`;
