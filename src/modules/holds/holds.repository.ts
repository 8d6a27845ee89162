import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';

export interface HoldRow {
  readonly userId: string;
  readonly reason: string;
  readonly heldBy: string;
  readonly since: InstantMs;
  readonly until: InstantMs | null;
}

const HOLD = 'user_id as "userId", reason, held_by as "heldBy", since, until';

/** The only writer of user_holds. */
@Injectable()
export class HoldsRepository {
  constructor(private readonly database: Database) {}

  /** The one that stands now; null when none does. */
  async standing(userId: string, queryable: Queryable = this.database): Promise<HoldRow | null> {
    const [row] = await queryable.query<HoldRow>({
      name: 'holds_standing',
      text: `select ${HOLD} from user_holds
        where user_id = $1 and lifted_at is null and (until is null or until > clock_timestamp())`,
      values: [userId],
    });
    return row ?? null;
  }

  /** The user's lock is held, and none stands. */
  async insert(
    transaction: Transaction,
    hold: { readonly userId: string; readonly reason: string; readonly heldBy: string; readonly until: string | null },
  ): Promise<void> {
    await transaction.query({
      text: 'insert into user_holds (user_id, reason, held_by, until) values ($1, $2, $3, $4)',
      values: [hold.userId, hold.reason, hold.heldBy, hold.until],
    });
  }

  /** Ends whatever stands, and closes what has ended by itself. */
  async lift(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({
      text: `update user_holds set lifted_at = least(clock_timestamp(), until) where user_id = $1 and lifted_at is null`,
      values: [userId],
    });
  }

  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({ text: 'delete from user_holds where user_id = $1', values: [userId] });
  }
}
