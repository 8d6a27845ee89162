import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';

/** Where statements go: the pool, or the one connection of a transaction. */
export interface Queryable {
  /**
   * Runs one statement. With a `name` it is prepared once per connection and then only executed: use it wherever a
   * statement runs for every request, with a text that never changes under one name.
   */
  query<Row extends object>(statement: Statement): Promise<readonly Row[]>;
}

export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** A running transaction. Only `Database.transaction` makes one. */
export type Transaction = Queryable & { readonly isTransaction: true };

export const DATABASE_OPTIONS = Symbol('DATABASE_OPTIONS');
export interface DatabaseOptions {
  readonly url: string;
  readonly poolMax: number;
}

const TIMESTAMPTZ_OID = 1184;
const BIGINT_OID = 20;
const CONNECT_MS_MAX = 10_000;
const STATEMENT_MS_MAX = 60_000;
/** A lock that nobody gives back in this time fails the statement: callers hear "not now" and do not pile up. */
const LOCK_MS_MAX = 5_000;
/** Longer than any transaction of ours stands still; a process that froze inside one must not keep its locks. */
const IDLE_IN_TRANSACTION_MS_MAX = 10_000;
/** How often a transaction that lost against another one is done again. */
const REPETITIONS_MAX = 3;
/** Twice as long each time: who won takes what it waits for meanwhile, or both would be in each other's way again. */
const REPEATED_AFTER_MS = 20;

/** PostgreSQL without an ORM: prepared statements and short transactions. Instants are milliseconds since 1970. */
@Injectable()
export class Database implements Queryable, OnApplicationShutdown {
  private readonly pool: pg.Pool;

  constructor(@Inject(DATABASE_OPTIONS) options: DatabaseOptions) {
    this.pool = new pg.Pool({
      connectionString: options.url,
      max: options.poolMax,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      statement_timeout: STATEMENT_MS_MAX,
      lock_timeout: LOCK_MS_MAX,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS_MAX,
      keepAlive: true,
      types: { getTypeParser },
    });
    // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
    this.pool.on('error', () => undefined);
  }

  async query<Row extends object>(statement: Statement): Promise<readonly Row[]> {
    return rows<Row>(await this.pool.query(toConfig(statement)));
  }

  /**
   * Runs `work` in one READ COMMITTED transaction: each statement sees what was committed before it began, so a
   * statement after a row lock sees what the lock's former holder wrote. Anything thrown rolls back.
   *
   * `work` must be a function of the transaction alone: when a deadlock or a serialisation failure ends it, it is called
   * again from the start, up to three times. So it changes nothing but rows; counting, signalling and sending come after
   * the commit. It also asks no other connection: with all of them in transactions nobody would get a second one.
   */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    for (let repetitions = 0; ; repetitions += 1) {
      try {
        return await this.attempt(work);
      } catch (error) {
        if (repetitions >= REPETITIONS_MAX || !hasLostAgainstAnother(error)) throw error;
        await setTimeout(REPEATED_AFTER_MS * 2 ** repetitions);
      }
    }
  }

  private async attempt<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    // The server may end the session between two statements; without a listener that would end the process.
    const onError = (error: Error): void => void (broken = error);
    client.on('error', onError);
    try {
      await client.query('begin');
      const result = await work({
        isTransaction: true,
        query: async <Row extends object>(statement: Statement) => rows<Row>(await client.query(toConfig(statement))),
      });
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}

const toConfig = ({ name, text, values }: Statement): pg.QueryConfig => ({
  ...(name === undefined ? {} : { name }),
  text,
  values: values === undefined ? [] : [...values],
});

const rows = <Row extends object>(result: pg.QueryResult): readonly Row[] => result.rows as Row[];

function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === TIMESTAMPTZ_OID) return (text) => new Date(text).getTime();
  if (oid === BIGINT_OID) return Number;
  return pg.types.getTypeParser(oid, format as 'text');
}

const DEADLOCK = '40P01';
const SERIALISATION_FAILURE = '40001';

/** PostgreSQL chose this transaction to give way; the same work can succeed right afterwards. */
function hasLostAgainstAnother(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === DEADLOCK || error.code === SERIALISATION_FAILURE);
}

const UNIQUE_VIOLATION = '23505';

/** The name of the unique constraint that the error reports as violated, else null. */
export function violatedUnique(error: unknown): string | null {
  if (!(error instanceof pg.DatabaseError) || error.code !== UNIQUE_VIOLATION) return null;
  return error.constraint ?? '';
}
