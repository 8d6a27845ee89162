import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { ProviderKind } from './provider-account.js';

export interface ProviderAccountRow {
  readonly id: string;
  readonly key: string;
  readonly kind: ProviderKind;
  readonly channel: string;
  readonly settings: Readonly<Record<string, string>>;
  /** A JSON object under seal. */
  readonly credentials: string;
  readonly credentialNames: readonly string[];
  readonly state: 'active' | 'paused';
  readonly priority: number;
  readonly cost: number | null;
  readonly perSecond: number | null;
  readonly pathToken: string;
  readonly createdAt: InstantMs;
  readonly updatedAt: InstantMs;
}

type NewRow = Omit<ProviderAccountRow, 'id' | 'state' | 'createdAt' | 'updatedAt'>;

/** What may change of an account. */
export type ProviderAccountChange = Omit<NewRow, 'key' | 'kind' | 'channel' | 'pathToken'>;

const ROW = `id, key, kind, channel, settings, credentials, credential_names as "credentialNames", state, priority,
  cost::float8 as cost, per_second as "perSecond", path_token as "pathToken", created_at as "createdAt", updated_at as "updatedAt"`;

/** The only writer of provider_accounts. Credentials come in and go out sealed. */
@Injectable()
export class ProviderAccountsRepository {
  constructor(private readonly database: Database) {}

  /** @throws DatabaseError on `provider_accounts_key_key` when the key is taken */
  async insert(transaction: Transaction, account: NewRow): Promise<ProviderAccountRow> {
    const [row] = await transaction.query<ProviderAccountRow>({
      text: `insert into provider_accounts (key, kind, channel, settings, credentials, credential_names, priority,
          per_second, path_token, cost)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning ${ROW}`,
      values: [
        account.key,
        account.kind,
        account.channel,
        account.settings,
        account.credentials,
        account.credentialNames,
        account.priority,
        account.perSecond,
        account.pathToken,
        account.cost,
      ],
    });
    if (row === undefined) throw new Error('an inserted account was not returned');
    return row;
  }

  /** @returns null when there is none */
  async lock(transaction: Transaction, key: string): Promise<ProviderAccountRow | null> {
    const [row] = await transaction.query<ProviderAccountRow>({
      text: `select ${ROW} from provider_accounts where key = $1 for update`,
      values: [key],
    });
    return row ?? null;
  }

  async update(transaction: Transaction, key: string, change: ProviderAccountChange): Promise<ProviderAccountRow> {
    return this.changed(transaction, {
      text: `update provider_accounts set settings = $2, credentials = $3, credential_names = $4, priority = $5,
          per_second = $6, cost = $7, updated_at = clock_timestamp() where key = $1 returning ${ROW}`,
      values: [
        ...[key, change.settings, change.credentials, change.credentialNames],
        ...[change.priority, change.perSecond, change.cost],
      ],
    });
  }

  setState(transaction: Transaction, key: string, state: ProviderAccountRow['state']): Promise<ProviderAccountRow> {
    return this.changed(transaction, {
      text: `update provider_accounts set state = $2, updated_at = clock_timestamp() where key = $1 returning ${ROW}`,
      values: [key, state],
    });
  }

  setPathToken(transaction: Transaction, key: string, pathToken: string): Promise<ProviderAccountRow> {
    return this.changed(transaction, {
      text: `update provider_accounts set path_token = $2, updated_at = clock_timestamp() where key = $1
        returning ${ROW}`,
      values: [key, pathToken],
    });
  }

  async remove(transaction: Transaction, key: string): Promise<boolean> {
    const rows = await transaction.query({
      text: 'delete from provider_accounts where key = $1 returning id',
      values: [key],
    });
    return rows.length > 0;
  }

  async find(key: string): Promise<ProviderAccountRow | null> {
    const [row] = await this.database.query<ProviderAccountRow>({
      name: 'provider_accounts_find',
      text: `select ${ROW} from provider_accounts where key = $1`,
      values: [key],
    });
    return row ?? null;
  }

  /** Those of the channel, in the order in which they are asked. */
  of(channel: string): Promise<readonly ProviderAccountRow[]> {
    return this.database.query<ProviderAccountRow>({
      name: 'provider_accounts_of',
      text: `select ${ROW} from provider_accounts where channel = $1
        order by priority, provider_accounts.cost nulls last, key`,
      values: [channel],
    });
  }

  /** Newest first. */
  list(filter: { readonly channel: string | null }, page: PageRequest): Promise<readonly ProviderAccountRow[]> {
    return this.database.query<ProviderAccountRow>({
      text: `select ${ROW} from provider_accounts
        where ($1::uuid is null or id < $1) and ($3::text is null or channel = $3) order by id desc limit $2`,
      values: [page.after, page.limit, filter.channel],
    });
  }

  private async changed(
    transaction: Transaction,
    statement: { readonly text: string; readonly values: unknown[] },
  ): Promise<ProviderAccountRow> {
    const [row] = await transaction.query<ProviderAccountRow>(statement);
    if (row === undefined) throw new Error('a locked account is gone');
    return row;
  }
}
