import { Injectable } from '@nestjs/common';
import type { OutcomeKind } from '../../core/fatigue/outcome.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { DeliveredContact } from '../deliveries/index.js';

/** A kind of outcome, or a soft bounce: the message may still arrive, so it is no outcome of the contact yet. */
export type HeardKind = OutcomeKind | 'soft_bounced';

export interface OutcomeRow {
  readonly id: string;
  readonly deliveryId: string;
  readonly kind: HeardKind;
  readonly at: InstantMs;
}

/** An outcome as it stands after it was recorded. */
export interface RecordedOutcome extends OutcomeRow {
  /** False for one that was known already. */
  readonly isNew: boolean;
}

/** Soft bounces of one address and the database's clock, to judge them by. */
export interface SoftBounces {
  readonly now: InstantMs;
  readonly bounces: readonly InstantMs[];
}

/** More than any count that the settings allow. */
const SOFT_BOUNCES_READ_MAX = 1_000;

/** Cut to the column's milliseconds: rounded up, it would lie in the future of the statement after it. */
const NOW = `date_trunc('milliseconds', clock_timestamp())`;
/**
 * When it happened, as far as it can be believed: not before the contact, and not in the future. A virtual clock is ahead
 * or behind as it likes, so that only the contact's own time bounds it.
 */
const BELIEVABLE = `case when $4 = 'real'
  then least(greatest(coalesce(to_timestamp($3::float8 / 1000), ${NOW}), claimed.at), ${NOW})
  else greatest(coalesce(to_timestamp($3::float8 / 1000), claimed.at), claimed.at) end`;
const CLAIMED = `(select to_timestamp($5::float8 / 1000) as at) claimed`;

/** The only writer of contact_outcomes and soft_bounces. */
@Injectable()
export class OutcomesRepository {
  constructor(private readonly database: Database) {}

  /** Once for each kind; heard of several times, the earliest time stands. */
  async put(
    transaction: Transaction,
    contact: DeliveredContact,
    heard: { readonly kind: OutcomeKind; readonly at: InstantMs | null },
  ): Promise<RecordedOutcome> {
    const [row] = await transaction.query<RecordedOutcome>({
      name: 'outcomes_put',
      text: `insert into contact_outcomes as stored (delivery_id, kind, at, clock_domain, user_id, decision_id, channel,
          purpose, action, action_group)
        select $1, $2, ${BELIEVABLE}, $4, $6, $7, $8, $9, $10, $11 from ${CLAIMED}
        on conflict (delivery_id, kind) do update set at = least(stored.at, excluded.at)
        returning id, delivery_id as "deliveryId", kind, at, old.id is null as "isNew"`,
      values: [
        contact.id,
        heard.kind,
        heard.at,
        contact.clockDomain,
        contact.claimedAt,
        contact.userId,
        contact.decisionId,
        contact.channel,
        contact.purpose,
        contact.action,
        contact.actionGroup,
      ],
    });
    if (row === undefined) throw new Error('a recorded outcome was not returned');
    return row;
  }

  /** Once for each delivery: a message that is tried again and again bounces softly once. */
  async putSoftBounce(
    transaction: Transaction,
    contact: DeliveredContact,
    heard: { readonly addressHash: string | null; readonly at: InstantMs | null },
  ): Promise<RecordedOutcome> {
    const [row] = await transaction.query<RecordedOutcome>({
      name: 'outcomes_put_soft_bounce',
      text: `insert into soft_bounces as stored (delivery_id, address_hash, at, clock_domain, channel)
        select $1, $2, ${BELIEVABLE}, $4, $6 from ${CLAIMED}
        on conflict (delivery_id) where delivery_id is not null do update set at = least(stored.at, excluded.at)
        returning id, delivery_id as "deliveryId", 'soft_bounced' as kind, at, old.id is null as "isNew"`,
      values: [contact.id, heard.addressHash, heard.at, contact.clockDomain, contact.claimedAt, contact.channel],
    });
    if (row === undefined) throw new Error('a recorded soft bounce was not returned');
    return row;
  }

  /** @param withinMs how far back they matter */
  async softBouncesOf(
    transaction: Transaction,
    { addressHash, withinMs }: { readonly addressHash: string; readonly withinMs: number },
  ): Promise<SoftBounces> {
    const [row] = await transaction.query<SoftBounces>({
      name: 'outcomes_soft_bounces',
      text: `select clock_timestamp() as now, array(
          select (extract(epoch from at) * 1000)::float8 from soft_bounces
          where address_hash = $1 and clock_domain = 'real' and at > clock_timestamp() - make_interval(secs => $2::float8 / 1000)
          order by at desc limit ${SOFT_BOUNCES_READ_MAX}) as bounces`,
      values: [addressHash, withinMs],
    });
    return row ?? { now: 0, bounces: [] };
  }

  /** In the order in which they became known. */
  list(deliveryId: string, page: PageRequest): Promise<readonly OutcomeRow[]> {
    return this.database.query<OutcomeRow>({
      name: 'outcomes_list',
      text: `select id, delivery_id as "deliveryId", kind, at from (
          select id, delivery_id, kind, at from contact_outcomes where delivery_id = $1
          union all select id, delivery_id, 'soft_bounced', at from soft_bounces where delivery_id = $1
        ) outcome where $2::uuid is null or id > $2 order by id limit $3`,
      values: [deliveryId, page.after, page.limit],
    });
  }

  /** Outcomes hold no personal word. The hash of the address goes: from now on the suppression of the erasure stands for it. */
  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({
      text: `update soft_bounces set address_hash = null
        where delivery_id in (select id from deliveries where user_id = $1)`,
      values: [userId],
    });
  }
}
