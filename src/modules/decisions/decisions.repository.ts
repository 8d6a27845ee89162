import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Decision, DecisionInput } from '../../core/decisions/types.js';
import { canonicalJson } from '../../core/kernel/canonical-json.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { toColumns } from './decision-columns.js';

/** What is stored of one decision: everything that is needed to make it again, bit for bit. */
export interface DecisionPayload {
  readonly schema: 1;
  readonly input: DecisionInput;
  readonly decision: Decision;
}

export interface NewDecision {
  readonly id: string;
  readonly userId: string;
  readonly source: 'step' | 'api';
  readonly step: {
    readonly runKey: string;
    readonly stepId: string;
    readonly visit: number;
    readonly ask: number;
  } | null;
  readonly clockDomain: string;
  readonly payload: DecisionPayload;
}

export interface DecisionRow {
  readonly id: string;
  readonly userId: string;
  readonly source: 'step' | 'api';
  readonly runKey: string | null;
  readonly stepId: string | null;
  readonly visit: number | null;
  readonly ask: number | null;
  readonly clockDomain: string;
  readonly decidedAt: InstantMs;
  readonly outcome: 'act' | 'defer' | 'do_nothing';
  readonly channel: string;
  readonly action: string;
  readonly reason: string | null;
  /** Null once the user was erased. */
  readonly payload: DecisionPayload | null;
}

const ROW = `id, user_id as "userId", source, run_key as "runKey", step_id as "stepId", visit, ask,
  clock_domain as "clockDomain", decided_at as "decidedAt", outcome, channel, action, reason, payload`;

/** The only writer of decisions and of the chain head in contact_state. */
@Injectable()
export class DecisionsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes the lock that orders everything about one user's contacts. Read the facts in a LATER statement: under READ
   * COMMITTED a statement that locks and counts at once counts in a snapshot that is older than the lock.
   *
   * @returns false when there is no such user
   */
  async lockUser(transaction: Transaction, userId: string): Promise<boolean> {
    const locked = await transaction.query({
      name: 'contact_state_lock',
      text: 'select user_id from contact_state where user_id = $1 for update',
      values: [userId],
    });
    return locked.length > 0;
  }

  /** Appends a decision and links it into the user's hash chain. The user must be locked. */
  async append(transaction: Transaction, decision: NewDecision): Promise<void> {
    const { step, payload } = decision;
    const text = canonicalJson(payload);
    const { outcome } = payload.decision;
    const columns = toColumns(outcome);
    await transaction.query({
      name: 'decisions_append',
      text: `with head as (
          update contact_state set chain_length = chain_length + 1, chain_hash = sha256(chain_hash || $15::bytea)
          where user_id = $2 returning chain_length, chain_hash
        )
        insert into decisions (id, user_id, source, run_key, step_id, visit, ask, clock_domain, decided_at, outcome,
          channel, action, reason, payload, payload_hash, chain_seq, chain_hash)
        select $1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8 / 1000), $10, $11, $12, $13, $14, $15,
          head.chain_length, head.chain_hash from head`,
      values: [
        decision.id,
        decision.userId,
        decision.source,
        step?.runKey ?? null,
        step?.stepId ?? null,
        step?.visit ?? null,
        step?.ask ?? null,
        decision.clockDomain,
        payload.input.now,
        outcome.kind,
        columns.channel,
        columns.action,
        columns.reason,
        text,
        createHash('sha256').update(text).digest(),
      ],
    });
  }

  async find(id: string): Promise<DecisionRow | null> {
    const [row] = await this.database.query<DecisionRow>({
      name: 'decisions_find',
      text: `select ${ROW} from decisions where id = $1`,
      values: [id],
    });
    return row ?? null;
  }

  list(
    filter: { userId: string | null; runKey: string | null; outcome: string | null; reason: string | null },
    page: { after: string | null; limit: number },
  ): Promise<readonly DecisionRow[]> {
    return this.database.query<DecisionRow>({
      text: `select ${ROW} from decisions
        where ($1::uuid is null or user_id = $1) and ($2::text is null or run_key = $2)
          and ($3::text is null or outcome = $3) and ($4::text is null or reason = $4) and ($5::uuid is null or id < $5)
        order by id desc limit $6`,
      values: [filter.userId, filter.runKey, filter.outcome, filter.reason, page.after, page.limit],
    });
  }

  /** Erasure: what was decided about a person goes, that something was decided stays and still verifies. */
  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({ text: 'update decisions set payload = null where user_id = $1', values: [userId] });
  }
}
