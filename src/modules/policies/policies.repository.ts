import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { PolicyDefinition } from './policies.dto.js';

/** One version of a rule. Of all versions under a key at most one is active. */
export interface PolicyRow {
  readonly id: string;
  readonly key: string;
  readonly version: number;
  readonly kind: 'cap' | 'quiet_hours';
  readonly isActive: boolean;
  readonly definition: PolicyDefinition;
  readonly createdAt: InstantMs;
}

const ROW = 'id, key, version, kind, is_active as "isActive", definition, created_at as "createdAt"';

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
      text: 'update policies set is_active = false where key = $1 and is_active',
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

  /** The active rules, newest first. */
  list(page: PageRequest): Promise<readonly PolicyRow[]> {
    return this.database.query<PolicyRow>({
      text: `select ${ROW} from policies where is_active and ($1::uuid is null or id < $1) order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }

  /** Newest first. */
  versions(key: string, page: PageRequest): Promise<readonly PolicyRow[]> {
    return this.database.query<PolicyRow>({
      text: `select ${ROW} from policies where key = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
      values: [key, page.after, page.limit],
    });
  }
}
