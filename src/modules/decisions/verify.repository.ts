import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';
import type { ChainPlace, ChainRow } from './verify-chain.js';

/** The head of one user's chain, with what the decisions themselves say of its length, in one snapshot. */
export interface ChainHead {
  readonly userId: string;
  readonly length: number;
  readonly hash: Buffer;
  /** The highest number among the decisions; 0 without any. */
  readonly highest: number;
}

const HEAD = `state.user_id as "userId", state.chain_length as length, state.chain_hash as hash,
  coalesce((select max(chain_seq) from decisions where user_id = state.user_id), 0) as highest`;

/** Reads chains of decisions for whoever checks them; writes nothing. */
@Injectable()
export class VerifyRepository {
  constructor(private readonly database: Database) {}

  async head(userId: string): Promise<ChainHead | null> {
    const [head] = await this.database.query<ChainHead>({
      text: `select ${HEAD} from contact_state state where state.user_id = $1`,
      values: [userId],
    });
    return head ?? null;
  }

  /**
   * Heads in the order of user ids; users without any decision, who should have none, are left out.
   *
   * @param since only of users about whom something was recorded from then on; null: of all
   */
  heads(after: string | null, since: InstantMs | null, limit: number): Promise<readonly ChainHead[]> {
    return this.database.query<ChainHead>({
      name: 'verify_heads',
      text: `select * from (
          select ${HEAD} from contact_state state
          where ($1::uuid is null or state.user_id > $1)
            and (state.chain_length > 0 or exists (select from decisions where user_id = state.user_id))
            and ($2::float8 is null or exists (select from decisions
              where user_id = state.user_id and id >= uuidv7_floor(to_timestamp($2 / 1000))))
          order by state.user_id limit $3
        ) heads`,
      values: [after, since, limit],
    });
  }

  /** Where the chain stands behind a decision, as the decision itself says; null when it is not one about the user. */
  async place(
    userId: string,
    id: string,
  ): Promise<{ readonly seq: number; readonly id: string; readonly chain: ChainPlace } | null> {
    const [row] = await this.database.query<{ seq: number; hash: Buffer }>({
      name: 'verify_place',
      text: 'select chain_seq as seq, chain_hash as hash from decisions where id = $1 and user_id = $2',
      values: [id, userId],
    });
    return row === undefined ? null : { seq: row.seq, id, chain: row };
  }

  /** The next decisions of a chain, up to the one that was its end when the walk began. */
  rows(
    userId: string,
    from: { readonly seq: number; readonly id: string },
    upTo: number,
    limit: number,
  ): Promise<readonly ChainRow[]> {
    return this.database.query<ChainRow>({
      name: 'verify_rows',
      text: `select decision.id, decision.user_id as "userId", source, run_key as "runKey",
          step_id as "stepId", visit, ask, clock_domain as "clockDomain", decided_at as "decidedAt", outcome,
          channel, action, reason, until, payload, record, definitions_hash as "definitionsHash",
          payload_hash as "payloadHash", chain_seq as "chainSeq", decision.chain_hash as "chainHash",
          state.erased_at is not null as "isErased"
        from decisions decision join contact_state state on state.user_id = decision.user_id
        where decision.user_id = $1 and (chain_seq, decision.id) > ($2, $3) and chain_seq <= $4
        order by chain_seq, decision.id limit $5`,
      values: [userId, from.seq, from.id, upTo, limit],
    });
  }

  async body(hash: Buffer): Promise<string | null> {
    const [row] = await this.database.query<{ body: string }>({
      name: 'verify_body',
      text: 'select body from decision_definitions where hash = $1',
      values: [hash],
    });
    return row?.body ?? null;
  }

  /** Decisions about nobody: their user's state is gone, or their user is another one by now. */
  orphans(limit: number): Promise<readonly { readonly id: string; readonly userId: string }[]> {
    return this.database.query<{ id: string; userId: string }>({
      text: `select id, user_id as "userId" from decisions decision
        where not exists (select from contact_state state where state.user_id = decision.user_id) limit $1`,
      values: [limit],
    });
  }
}
