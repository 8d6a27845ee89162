import { Injectable } from '@nestjs/common';
import { REPLAY_TRANSITIONS } from '../../core/delivery/delivery-state.js';
import { Database, type Transaction } from '../../platform/database/database.js';

/** Of a row `delivery`: whether anybody told something that can only become of a message which was taken. */
export const WAS_TAKEN = `exists (select from contact_outcomes told where told.delivery_id = delivery.id and told.kind in
  ('sent', 'delivered', 'failed', 'bounced', 'soft_bounced', 'complained', 'opened', 'clicked'))`;

/**
 * Of a row `delivery`: whether its step contacted the person since, on a later visit or by a replay of another one. Doubt
 * counts as a contact.
 */
export const IS_REPEATED = `exists (select from deliveries other where other.run_key = delivery.run_key
  and other.step_id = delivery.step_id and other.visit <> delivery.visit
  and (other.visit > delivery.visit or other.claimed_at > delivery.claimed_at)
  and other.state not in ('failed', 'released'))`;

/** How a message had failed. */
export interface FormerFailure {
  readonly provider: string;
  readonly failure: string | null;
  /** As PostgreSQL writes it in JSON. */
  readonly settledAt: string;
}

/** What an operator alone may do with deliveries: `REPLAY_TRANSITIONS`. What they come to is settled elsewhere. */
@Injectable()
export class RefusedRepository {
  constructor(private readonly database: Database) {}

  /**
   * Gives a refused message back, so that this transaction can claim it. The user's lock is held.
   *
   * @param refused.attempt the one that was refused: a later one is not given back
   * @returns whether it is given back now: false where anybody said that the provider had taken it, and where its step
   *   contacted the person since
   */
  async release(
    transaction: Transaction,
    refused: { readonly deliveryId: string; readonly attempt: number },
  ): Promise<boolean> {
    const { from, to } = REPLAY_TRANSITIONS.released;
    const rows = await transaction.query({
      name: 'refused_release',
      text: `with given_back as (
          update deliveries delivery set state = $4, updated_at = clock_timestamp()
          where id = $1 and attempt = $2 and state = $3 and is_refused and address is not null and not ${WAS_TAKEN}
            and not ${IS_REPEATED}
          returning id
        )
        select id from given_back union all
        select id from deliveries delivery where id = $1 and state = $4 and not ${IS_REPEATED}`,
      values: [refused.deliveryId, refused.attempt, from, to],
    });
    return rows.length > 0;
  }

  /** Whether a message must not be replayed any more because its step contacted the person since. */
  async isRepeated(deliveryId: string): Promise<boolean> {
    const rows = await this.database.query({
      name: 'refused_is_repeated',
      text: `select from deliveries delivery where id = $1 and ${IS_REPEATED}`,
      values: [deliveryId],
    });
    return rows.length > 0;
  }

  /**
   * What was given back, and is not claimed again, is a dead letter as before; in any other state it stays as it is.
   *
   * @param former how it had failed; null: no attempt came between
   */
  async failAgain(transaction: Transaction, deliveryId: string, former: FormerFailure | null): Promise<void> {
    const { from, to } = REPLAY_TRANSITIONS.failedAgain;
    await transaction.query({
      name: 'refused_fail_again',
      text: `with failed as (
          update deliveries set state = $3, is_refused = true, provider = coalesce($4, provider),
            failure = case when address is null then null when $4::text is null then failure else $5 end,
            settled_at = coalesce($6::timestamptz, settled_at), updated_at = clock_timestamp()
          where id = $1 and state = $2 returning id, state
        )
        update contact_ledger ledger set state = failed.state from failed where ledger.delivery_id = failed.id`,
      values: [deliveryId, from, to, former?.provider ?? null, former?.failure ?? null, former?.settledAt ?? null],
    });
  }
}
