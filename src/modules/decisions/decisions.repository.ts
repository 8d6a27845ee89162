import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import { toColumns } from './decision-columns.js';
import {
  readRecord,
  writeRecord,
  type DecisionIdentity,
  type DecisionMade,
  type DecisionPayload,
} from './decision-record.js';
import { DefinitionsCache } from './definitions-cache.js';
import type { Definitions } from './definitions.js';

export interface NewDecision extends DecisionIdentity {
  readonly userId: string;
  readonly made: DecisionMade & { readonly definitions: Definitions };
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
  /** When it is asked again; null unless it was put off. */
  readonly until: InstantMs | null;
}

/** A decision with what it rests on. */
export interface StoredDecision extends DecisionRow {
  /** Null once the user was erased. */
  readonly payload: DecisionPayload | null;
}

/** Which decisions a list shows. */
export interface DecisionFilter {
  readonly userId: string | null;
  readonly runKey: string | null;
  readonly outcome: string | null;
  readonly reason: string | null;
}

interface FoundRow extends DecisionRow {
  /** Of decisions that were made before records were text. */
  readonly payload: DecisionPayload | null;
  readonly record: string | null;
  readonly definitionsBody: string | null;
}

const ROW = `id, user_id as "userId", source, run_key as "runKey", step_id as "stepId", visit, ask,
  clock_domain as "clockDomain", decided_at as "decidedAt", outcome, channel, action, reason, until`;

/** The only writer of decisions and of the chain head in contact_state. */
@Injectable()
export class DecisionsRepository {
  constructor(
    private readonly database: Database,
    private readonly definitions: DefinitionsCache,
  ) {}

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
    await this.insert(transaction, decision, true);
  }

  /**
   * The same for a decision that claims nothing, and so was made without the lock: this statement takes it for itself.
   *
   * @returns false when the user was erased meanwhile; then nothing is written
   */
  appendUnlocked(decision: NewDecision): Promise<boolean> {
    return this.insert(this.database, decision, false);
  }

  /**
   * The erasure marks the row that is updated here, so that an update which waited for it looks at the mark again: the
   * statement's own snapshot may be older than the erasure.
   */
  private async insert(queryable: Queryable, decision: NewDecision, isLocked: boolean): Promise<boolean> {
    const { step, made } = decision;
    await this.definitions.keep(queryable, made.definitions);
    const text = writeRecord(made, decision);
    const { outcome } = made.decision;
    const columns = toColumns(outcome);
    const rows = await queryable.query({
      name: 'decisions_append',
      text: `with head as (
          update contact_state set chain_length = chain_length + 1, chain_hash = sha256(chain_hash || $15::bytea)
          where user_id = $2 and ($16::boolean or erased_at is null) returning chain_length, chain_hash
        )
        insert into decisions (id, user_id, source, run_key, step_id, visit, ask, clock_domain, decided_at, outcome,
          channel, action, reason, record, payload_hash, chain_seq, chain_hash, definitions_hash, until)
        select $1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8 / 1000), $10, $11, $12, $13, $14, $15,
          head.chain_length, head.chain_hash, $17, to_timestamp($18::float8 / 1000) from head
        returning true`,
      values: [
        decision.id,
        decision.userId,
        decision.source,
        step?.runKey ?? null,
        step?.stepId ?? null,
        step?.visit ?? null,
        step?.ask ?? null,
        decision.clockDomain,
        made.input.now,
        outcome.kind,
        columns.channel,
        columns.action,
        columns.reason,
        text,
        hash('sha256', text, 'buffer'),
        isLocked,
        made.definitions.hash,
        columns.until,
      ],
    });
    return rows.length > 0;
  }

  async find(id: string): Promise<StoredDecision | null> {
    const [found] = await this.database.query<FoundRow>({
      name: 'decisions_find',
      text: `select ${ROW}, payload, record,
          (select body from decision_definitions where hash = definitions_hash) as "definitionsBody"
        from decisions where id = $1`,
      values: [id],
    });
    if (found === undefined) return null;
    const { payload, record, definitionsBody, ...row } = found;
    if (record === null) return { ...row, payload };
    if (definitionsBody === null) throw new Error(`the definitions of decision ${id} are gone`);
    const { input, decision } = readRecord(record, definitionsBody);
    return { ...row, payload: { input, decision } };
  }

  list(filter: DecisionFilter, page: { after: string | null; limit: number }): Promise<readonly DecisionRow[]> {
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
    await transaction.query({
      text: 'update decisions set payload = null, record = null where user_id = $1',
      values: [userId],
    });
    await transaction.query({
      text: 'update contact_state set erased_at = clock_timestamp() where user_id = $1',
      values: [userId],
    });
  }
}
