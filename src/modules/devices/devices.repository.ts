import { Injectable } from '@nestjs/common';
import type { PushPlatform } from '../../core/delivery/push-address.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

export interface DeviceRow {
  readonly id: string;
  readonly userId: string;
  readonly platform: PushPlatform;
  /** As `writePushAddress` writes it; null once it is gone. */
  readonly address: string | null;
  /** Names chosen by the company. */
  readonly app: string | null;
  readonly label: string | null;
  readonly state: 'active' | 'gone';
  readonly createdAt: InstantMs;
  readonly lastSeenAt: InstantMs;
  readonly goneAt: InstantMs | null;
}

type SeenDevice = Pick<DeviceRow, 'userId' | 'platform' | 'app' | 'label'> & {
  readonly address: string;
  /** Keyed hash of `pushIdentity`. */
  readonly addressHash: string;
};

/** A device after it was seen. */
export interface SeenRow extends DeviceRow {
  /** Null for one that nobody had. */
  readonly formerUserId: string | null;
  /** Whether messages could go there before. */
  readonly wasActive: boolean;
}

const ROW = `id, user_id as "userId", platform, address, app, label, state, created_at as "createdAt",
  last_seen_at as "lastSeenAt", gone_at as "goneAt"`;

/** The only writer of user_devices. */
@Injectable()
export class DevicesRepository {
  constructor(private readonly database: Database) {}

  /** @returns the user who has the device; null when nobody does */
  async ownerOf(queryable: Queryable, addressHash: string): Promise<string | null> {
    const [row] = await queryable.query<{ userId: string }>({
      name: 'devices_owner_of',
      text: 'select user_id as "userId" from user_devices where address_hash = $1',
      values: [addressHash],
    });
    return row?.userId ?? null;
  }

  /**
   * Notes that a user has the device now. It is one row whoever has it: with somebody else it moves, and what the one
   * before could tell of it (since when) goes. The locks of both users are held.
   */
  async see(transaction: Transaction, device: SeenDevice): Promise<SeenRow> {
    const [row] = await transaction.query<SeenRow>({
      name: 'devices_see',
      text: `insert into user_devices as known (user_id, platform, address, address_hash, app, label)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (address_hash) do update set user_id = excluded.user_id, address = excluded.address,
          app = excluded.app, label = excluded.label, state = 'active', gone_at = null,
          last_seen_at = clock_timestamp(),
          created_at = case when known.user_id = excluded.user_id then known.created_at else clock_timestamp() end
        returning ${ROW}, old.user_id as "formerUserId", coalesce(old.state = 'active', false) as "wasActive"`,
      values: [device.userId, device.platform, device.address, device.addressHash, device.app, device.label],
    });
    if (row === undefined) throw new Error('a device that was seen was not returned');
    return row;
  }

  /** Forgets what a user has beyond `max`: what is gone first, then what was not seen for longest. @returns their ids */
  async dropSurplus(transaction: Transaction, userId: string, max: number): Promise<readonly string[]> {
    const rows = await transaction.query<{ id: string }>({
      name: 'devices_drop_surplus',
      text: `delete from user_devices where id in (
          select id from user_devices where user_id = $1 order by state, last_seen_at desc, id desc offset $2)
        returning id`,
      values: [userId, max],
    });
    return rows.map(({ id }) => id);
  }

  /** Nothing can be sent to the device any more. Only the hash stays, so that it is known again when it comes back. */
  async end(transaction: Transaction, addressHash: string): Promise<void> {
    await transaction.query({
      name: 'devices_end',
      text: `update user_devices set state = 'gone', address = null, gone_at = clock_timestamp()
        where address_hash = $1 and state = 'active'`,
      values: [addressHash],
    });
  }

  /** @returns false when the user has no such device */
  async remove(transaction: Transaction, device: { readonly id: string; readonly userId: string }): Promise<boolean> {
    const rows = await transaction.query({
      name: 'devices_remove',
      text: 'delete from user_devices where id = $1 and user_id = $2 returning id',
      values: [device.id, device.userId],
    });
    return rows.length > 0;
  }

  /** Newest first. */
  list(userId: string, page: PageRequest): Promise<readonly DeviceRow[]> {
    return this.database.query<DeviceRow>({
      name: 'devices_list',
      text: `select ${ROW} from user_devices where user_id = $1 and ($2::uuid is null or id < $2)
        order by id desc limit $3`,
      values: [userId, page.after, page.limit],
    });
  }

  /** @returns the hashes of what was forgotten */
  async eraseUser(transaction: Transaction, userId: string): Promise<readonly string[]> {
    const rows = await transaction.query<{ addressHash: string }>({
      text: 'delete from user_devices where user_id = $1 returning address_hash as "addressHash"',
      values: [userId],
    });
    return rows.map(({ addressHash }) => addressHash);
  }
}
