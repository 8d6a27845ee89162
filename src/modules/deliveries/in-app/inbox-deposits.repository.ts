import { Injectable } from '@nestjs/common';
import type { InAppContent } from '../../../core/content/content.js';
import { Database } from '../../../platform/database/database.js';

/** One entry of an inbox, for the person of its delivery. */
export interface Deposit extends Omit<InAppContent, 'channel'> {
  readonly deliveryId: string;
  readonly unsubscribeUrl: string | null;
}

/**
 * Puts entries into inboxes. The inbox is in our own database, so that the entry and the delivery that tells of it are
 * written by one statement: there is no moment in which nobody knows whether it was sent.
 */
@Injectable()
export class InboxDeposits {
  constructor(private readonly database: Database) {}

  /**
   * Writes the entry and settles its delivery as sent, both or neither. To do so again changes nothing. An attempt that
   * was given back in the meantime, or whose person was erased, deposits nothing.
   *
   * @returns whether the entry is there now
   */
  async put(deposit: Deposit): Promise<boolean> {
    const deposited = await this.database.query({
      name: 'inbox_deposits_put',
      text: `with claimed as (
          select id, user_id from deliveries where id = $1 and state = 'sending' and address is not null for update
        ), item as (
          insert into inbox_items (id, user_id, title, body, link, image, unsubscribe_url, expires_at)
          select id, user_id, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(hours => $7::int) from claimed
          on conflict (id) do nothing
        ), settled as (
          update deliveries set state = 'sent', provider_message_id = id::text, failure = null,
            settled_at = clock_timestamp(), updated_at = clock_timestamp()
          where id in (select id from claimed) returning id, state
        ), ledger as (
          update contact_ledger ledger set state = settled.state from settled where ledger.delivery_id = settled.id
        )
        select id from claimed`,
      values: [
        deposit.deliveryId,
        deposit.title,
        deposit.body,
        deposit.link,
        deposit.image,
        deposit.unsubscribeUrl,
        deposit.expiresInHours,
      ],
    });
    return deposited.length > 0 || (await this.isThere(deposit.deliveryId));
  }

  private async isThere(id: string): Promise<boolean> {
    const found = await this.database.query({
      name: 'inbox_deposits_is_there',
      text: 'select id from inbox_items where id = $1',
      values: [id],
    });
    return found.length > 0;
  }
}
