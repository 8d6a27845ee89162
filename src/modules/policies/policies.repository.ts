import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { PolicyDefinition, PolicyKind } from './policies.dto.js';

/** One version of a rule. Of all versions under a key at most one is active. */
export interface PolicyRow {
  readonly id: string;
  readonly key: string;
  readonly version: number;
  readonly kind: PolicyKind;
  readonly isActive: boolean;
  readonly definition: PolicyDefinition;
  readonly createdAt: InstantMs;
  /** Null while it is active. */
  readonly deactivatedAt: InstantMs | null;
}

const ROW = `id, key, version, kind, is_active as "isActive", definition, created_at as "createdAt",
  deactivated_at as "deactivatedAt"`;

/** The only writer of policies. A definition never changes; only which version is active does. */
@Injectable()
export class PoliciesRepository {
  constructor(private readonly database: Database) {}

  /** Versions of one key are made one after the other. */
  async lockKey(transaction: Transaction, key: string): Promise<void> {
    await transaction.query({
      text: `select pg_advisory_xact_lock(hashtext('policies'), hashtext($1))`,
      values: [key],
    });
  }

  async insert(
    transaction: Transaction,
    policy: { readonly key: string; readonly version: number; readonly definition: PolicyDefinition },
  ): Promise<PolicyRow> {
    const [row] = await transaction.query<PolicyRow>({
      text: `insert into policies (key, version, kind, is_active, definition) values ($1, $2, $3, true, $4)
        returning ${ROW}`,
      values: [policy.key, policy.version, policy.definition.kind, JSON.stringify(policy.definition)],
    });
    if (row === undefined) throw new Error('an inserted policy was not returned');
    return row;
  }

  async deactivate(transaction: Transaction, key: string): Promise<void> {
    await transaction.query({
      text: 'update policies set is_active = false, deactivated_at = clock_timestamp() where key = $1 and is_active',
      values: [key],
    });
  }

  /** The last version, active or not. */
  async findLast(key: string, queryable: Queryable = this.database): Promise<PolicyRow | null> {
    const [row] = await queryable.query<PolicyRow>({
      text: `select ${ROW} from policies where key = $1 order by version desc limit 1`,
      values: [key],
    });
    return row ?? null;
  }

  /** Newest first: those in force, or the last version of those that are not. */
  list(
    filter: { readonly isActive: boolean; readonly kind: PolicyKind | null },
    page: PageRequest,
  ): Promise<readonly PolicyRow[]> {
    return this.database.query<PolicyRow>({
      text: `select ${ROW} from policies policy
        where is_active = $1 and ($2::text is null or kind = $2) and ($3::uuid is null or id < $3)
          and (is_active or not exists (
            select from policies later where later.key = policy.key and later.version > policy.version
          ))
        order by id desc limit $4`,
      values: [filter.isActive, filter.kind, page.after, page.limit],
    });
  }

  /** The keys among these under which there is, or ever was, a policy. */
  async existing(transaction: Transaction, keys: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await transaction.query<{ key: string }>({
      text: 'select distinct key from policies where key = any($1)',
      values: [keys],
    });
    return new Set(rows.map(({ key }) => key));
  }

  /** Newest first. */
  versions(key: string, page: PageRequest): Promise<readonly PolicyRow[]> {
    return this.database.query<PolicyRow>({
      text: `select ${ROW} from policies where key = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
      values: [key, page.after, page.limit],
    });
  }
}
