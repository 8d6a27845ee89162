import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Batches } from '../../platform/concurrency/batches.js';
import { Database, type Queryable } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

/** A key as it is stored: everything but the secret. */
export interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly secretHash: string;
  readonly scopes: readonly string[];
  readonly createdAt: InstantMs;
  readonly expiresAt: InstantMs | null;
  readonly lastUsedAt: InstantMs | null;
  readonly revokedAt: InstantMs | null;
}

export interface UsableApiKey {
  readonly secretHash: string;
  readonly scopes: readonly string[];
  /** Its last use was noted less than a minute ago. */
  readonly isUseNoted: boolean;
}

const ROW = `id, name, secret_hash as "secretHash", scopes, created_at as "createdAt", expires_at as "expiresAt",
  last_used_at as "lastUsedAt", revoked_at as "revokedAt"`;

const LOOK_UPS = { sizeMax: 64, underWayMax: 2 };

/** The only writer of api_keys. */
@Injectable()
export class ApiKeysRepository {
  /** Requests that come at one time share a look-up, which begins after the last of them came. */
  private readonly lookUps: Batches<string, UsableApiKey | null>;

  constructor(private readonly database: Database) {
    this.lookUps = new Batches((ids) => this.findMany(ids), LOOK_UPS);
  }

  /** The key, unless it is revoked or has expired by the database's clock. */
  findUsable(id: string): Promise<UsableApiKey | null> {
    return this.lookUps.add(id);
  }

  private async findMany(ids: readonly string[]): Promise<readonly (UsableApiKey | null)[]> {
    const rows = await this.database.query<UsableApiKey & { readonly id: string }>({
      name: 'api_keys_usable',
      text: `select id, secret_hash as "secretHash", scopes,
          coalesce(last_used_at > clock_timestamp() - interval '1 minute', false) as "isUseNoted"
        from api_keys
        where id = any ($1) and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())`,
      values: [[...new Set(ids)]],
    });
    const found = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => found.get(id) ?? null);
  }

  async noteUse(id: string): Promise<void> {
    await this.database.query({
      name: 'api_keys_note_use',
      text: 'update api_keys set last_used_at = clock_timestamp() where id = $1',
      values: [id],
    });
  }

  async insert(
    queryable: Queryable,
    key: Pick<ApiKeyRow, 'id' | 'name' | 'secretHash' | 'scopes' | 'expiresAt'>,
  ): Promise<ApiKeyRow> {
    const [row] = await queryable.query<ApiKeyRow>({
      text: `insert into api_keys (id, name, secret_hash, scopes, expires_at)
        values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000)) returning ${ROW}`,
      values: [key.id, key.name, key.secretHash, key.scopes, key.expiresAt],
    });
    if (row === undefined) throw new Error('an inserted key was not returned');
    return row;
  }

  /** Another secret under the same id makes the key usable again, the same secret changes nothing. */
  async putBootstrap(queryable: Queryable, key: { id: string; secretHash: string; scope: string }): Promise<boolean> {
    const rows = await queryable.query({
      text: `insert into api_keys as stored (id, name, secret_hash, scopes) values ($1, 'bootstrap', $2, array[$3])
        on conflict (id) do update set secret_hash = excluded.secret_hash, revoked_at = null
        where stored.secret_hash <> excluded.secret_hash returning id`,
      values: [key.id, key.secretHash, key.scope],
    });
    return rows.length > 0;
  }

  /** @returns false when there is no such key; a key that is revoked already stays as it is */
  async revoke(queryable: Queryable, id: string): Promise<boolean> {
    const rows = await queryable.query({
      text: `update api_keys set revoked_at = coalesce(revoked_at, clock_timestamp()) where id = $1 returning id`,
      values: [id],
    });
    return rows.length > 0;
  }

  /** Newest first. */
  list(page: PageRequest): Promise<readonly ApiKeyRow[]> {
    return this.database.query<ApiKeyRow>({
      text: `select ${ROW} from api_keys where $1::uuid is null or id < $1 order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }
}
