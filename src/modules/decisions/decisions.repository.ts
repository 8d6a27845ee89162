import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Batches } from '../../platform/concurrency/batches.js';
import { Database, type Transaction } from '../../platform/database/database.js';
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

/** Columns of a new decision with their types, in the order of `valuesOf`. */
const COLUMNS = {
  id: 'uuid',
  user_id: 'uuid',
  source: 'text',
  run_key: 'text',
  step_id: 'text',
  visit: 'int',
  ask: 'int',
  clock_domain: 'text',
  decided_ms: 'float8',
  outcome: 'text',
  channel: 'text',
  action: 'text',
  reason: 'text',
  record: 'text',
  payload_hash: 'bytea',
  definitions_hash: 'bytea',
  until_ms: 'float8',
};
const NAMES = Object.keys(COLUMNS);
const VALUES = NAMES.length;

function valuesOf({ id, userId, source, step, clockDomain, made }: NewDecision): readonly unknown[] {
  const { input, decision, definitions } = made;
  const text = writeRecord(made, { id, source, step, clockDomain });
  const { channel, action, reason, until } = toColumns(decision.outcome);
  return [
    id,
    userId,
    source,
    step?.runKey ?? null,
    step?.stepId ?? null,
    step?.visit ?? null,
    step?.ask ?? null,
    clockDomain,
    input.now,
    decision.outcome.kind,
    channel,
    action,
    reason,
    text,
    hash('sha256', text, 'buffer'),
    definitions.hash,
    until,
  ];
}

/** Rows of parameters, the first one $1. */
function givenRows(count: number): string {
  const row = (first: number): string =>
    `(${Object.values(COLUMNS)
      .map((type, index) => `$${first + index}::${type}`)
      .join(', ')})`;
  return Array.from({ length: count }, (_, index) => row(1 + index * VALUES)).join(', ');
}

/** Links each decision into the chain of its user, and writes it; `which` says of whom. */
const appendText = (
  count: number,
  which: { readonly with?: string; readonly from?: string; readonly if: string },
): string => `
  with given (${NAMES.join(', ')}) as (values ${givenRows(count)}), ${which.with ?? ''}
  head as (
    update contact_state state set chain_length = state.chain_length + 1,
      chain_hash = sha256(state.chain_hash || given.payload_hash)
    from given ${which.from ?? ''} where state.user_id = given.user_id and ${which.if}
    returning state.user_id, state.chain_length, state.chain_hash
  )
  insert into decisions (id, user_id, source, run_key, step_id, visit, ask, clock_domain, decided_at, outcome, channel,
    action, reason, record, payload_hash, definitions_hash, until, chain_seq, chain_hash)
  select given.id, given.user_id, source, run_key, step_id, visit, ask, clock_domain,
    to_timestamp(decided_ms / 1000), outcome, channel, action, reason, record, payload_hash, definitions_hash,
    to_timestamp(until_ms / 1000), head.chain_length, head.chain_hash
  from given join head on head.user_id = given.user_id
  returning id`;

const APPEND = { name: 'decisions_append', text: appendText(1, { if: 'true' }) };

/**
 * The erasure marks the row that is updated here, so that an update which waited for it looks at the mark again: the
 * statement's own snapshot may be older than the erasure.
 */
const NOT_ERASED = 'state.erased_at is null';
const APPEND_UNLOCKED = { name: 'decisions_append_unlocked', text: appendText(1, { if: NOT_ERASED }) };

/** Nobody waits here: users who are locked are left out, so that neither a claim nor another batch is in the way. */
const LOCKED = `locked as (
    select state.user_id from contact_state state join given on given.user_id = state.user_id
    where ${NOT_ERASED} order by state.user_id for update of state skip locked
  ),`;

const appendTexts = new Map<number, string>();

/** Writes up to `size` decisions about different users; rows of nulls write nothing. */
function appendStatement(size: number): { readonly name: string; readonly text: string } {
  const which = { with: LOCKED, from: 'join locked on locked.user_id = given.user_id', if: NOT_ERASED };
  const text = appendTexts.get(size) ?? appendText(size, which);
  appendTexts.set(size, text);
  return { name: `decisions_append_${size}`, text };
}

/** Powers of two, so that there are few statements to prepare. */
const BATCHES = { sizeMax: 16, underWayMax: 2 };

/** The only writer of decisions and of the chain head in contact_state. */
@Injectable()
export class DecisionsRepository {
  private readonly appends: Batches<NewDecision, boolean>;

  constructor(
    private readonly database: Database,
    private readonly definitions: DefinitionsCache,
  ) {
    this.appends = new Batches((decisions) => this.appendMany(decisions), BATCHES);
  }

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
    await this.definitions.keep(transaction, decision.made.definitions);
    await transaction.query({ ...APPEND, values: valuesOf(decision) });
  }

  /**
   * The same for a decision that claims nothing, and so was made without the lock: this takes it for itself. Decisions
   * about different users that come at one time are written by one statement.
   *
   * @returns false when the user was erased meanwhile; then nothing is written
   */
  appendUnlocked(decision: NewDecision): Promise<boolean> {
    return this.appends.add(decision);
  }

  /** A decision whose user is locked by somebody else, or has another one in this batch, waits for its turn alone. */
  private async appendMany(decisions: readonly NewDecision[]): Promise<readonly (boolean | Promise<boolean>)[]> {
    for (const { made } of decisions) await this.definitions.keep(this.database, made.definitions);
    const first = new Map([...decisions].reverse().map((decision) => [decision.userId, decision]));
    const written = new Set(await this.insertTogether([...first.values()]));
    return decisions.map((decision) => written.has(decision.id) || this.insertAlone(decision));
  }

  /** @returns the ids of those that were written */
  private async insertTogether(decisions: readonly NewDecision[]): Promise<readonly string[]> {
    const size = 2 ** Math.ceil(Math.log2(decisions.length));
    const values = [...decisions.flatMap(valuesOf), ...Array(VALUES * (size - decisions.length)).fill(null)];
    const rows = await this.database.query<{ id: string }>({ ...appendStatement(size), values });
    return rows.map(({ id }) => id);
  }

  private async insertAlone(decision: NewDecision): Promise<boolean> {
    const rows = await this.database.query({ ...APPEND_UNLOCKED, values: valuesOf(decision) });
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
