import { Injectable } from '@nestjs/common';
import { REPLAY_TRANSITIONS } from '../../core/delivery/delivery-state.js';
import type { Transaction } from '../../platform/database/database.js';

/** Of a row `delivery`: whether anybody told something that can only become of a message which was taken. */
export const WAS_TAKEN = `exists (select from contact_outcomes told where told.delivery_id = delivery.id and told.kind in
  ('sent', 'delivered', 'failed', 'bounced', 'soft_bounced', 'complained', 'opened', 'clicked'))`;

/** What an operator alone may do with deliveries: `REPLAY_TRANSITIONS`. What they come to is settled elsewhere. */
@Injectable()
export class RefusedRepository {
  /**
   * Gives a refused message back, so that this transaction can claim it. The user's lock is held.
   *
   * @param refused.attempt the one that was refused: a later one is not given back
   * @returns whether it is given back now: false where anybody said that the provider had taken it
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
          returning id
        )
        select id from given_back union all select id from deliveries where id = $1 and state = $4`,
      values: [refused.deliveryId, refused.attempt, from, to],
    });
    return rows.length > 0;
  }

  /** What was given back, and is not claimed again, is a dead letter as before; in any other state it stays as it is. */
  async failAgain(transaction: Transaction, deliveryIds: readonly string[]): Promise<void> {
    const { from, to } = REPLAY_TRANSITIONS.failedAgain;
    await transaction.query({
      name: 'refused_fail_again',
      text: `with failed as (
          update deliveries set state = $3, is_refused = true, updated_at = clock_timestamp()
          where id = any ($1) and state = $2 returning id, state
        )
        update contact_ledger ledger set state = failed.state from failed where ledger.delivery_id = failed.id`,
      values: [deliveryIds, from, to],
    });
  }
}
