import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

export interface WebhookEndpointRow {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly url: string;
  /** When it answered 410. */
  readonly goneAt: InstantMs | null;
  /** Null when only one secret is in force. */
  readonly previousUntil: InstantMs | null;
  readonly createdAt: InstantMs;
  readonly updatedAt: InstantMs;
}

/** What a message to the endpoint needs. */
interface CallableEndpoint {
  readonly url: string;
  readonly isGone: boolean;
  /** Sealed, those in force, newest first. */
  readonly secrets: readonly string[];
}

const ROW = `id, key, name, url, gone_at as "goneAt",
  case when previous_until > clock_timestamp() then previous_until end as "previousUntil",
  created_at as "createdAt", updated_at as "updatedAt"`;

/** The only writer of webhook_endpoints. Secrets come in and go out sealed. */
@Injectable()
export class WebhookEndpointsRepository {
  constructor(private readonly database: Database) {}

  /** @throws DatabaseError on `webhook_endpoints_key_key` when the key is taken */
  async insert(
    transaction: Transaction,
    endpoint: { readonly key: string; readonly name: string; readonly url: string; readonly secret: string },
  ): Promise<WebhookEndpointRow> {
    const [row] = await transaction.query<WebhookEndpointRow>({
      text: `insert into webhook_endpoints (key, name, url, secret) values ($1, $2, $3, $4) returning ${ROW}`,
      values: [endpoint.key, endpoint.name, endpoint.url, endpoint.secret],
    });
    if (row === undefined) throw new Error('an inserted endpoint was not returned');
    return row;
  }

  /** Whoever changes an endpoint that was gone says that it is there again. */
  async update(
    transaction: Transaction,
    key: string,
    { name, url }: { readonly name: string; readonly url: string },
  ): Promise<WebhookEndpointRow | null> {
    const [row] = await transaction.query<WebhookEndpointRow>({
      text: `update webhook_endpoints set name = $2, url = $3, gone_at = null, updated_at = clock_timestamp()
        where key = $1 returning ${ROW}`,
      values: [key, name, url],
    });
    return row ?? null;
  }

  /** The secret so far stays in force beside the new one for `overlapMs`. */
  async rotate(
    transaction: Transaction,
    key: string,
    { secret, overlapMs }: { readonly secret: string; readonly overlapMs: number },
  ): Promise<WebhookEndpointRow | null> {
    const [row] = await transaction.query<WebhookEndpointRow>({
      text: `update webhook_endpoints set previous_secret = secret, secret = $2,
          previous_until = clock_timestamp() + make_interval(secs => $3::float8 / 1000),
          updated_at = clock_timestamp()
        where key = $1 returning ${ROW}`,
      values: [key, secret, overlapMs],
    });
    return row ?? null;
  }

  async remove(transaction: Transaction, key: string): Promise<boolean> {
    const rows = await transaction.query({
      text: 'delete from webhook_endpoints where key = $1 returning id',
      values: [key],
    });
    return rows.length > 0;
  }

  async find(key: string): Promise<WebhookEndpointRow | null> {
    const [row] = await this.database.query<WebhookEndpointRow>({
      text: `select ${ROW} from webhook_endpoints where key = $1`,
      values: [key],
    });
    return row ?? null;
  }

  /** Newest first. */
  list(page: PageRequest): Promise<readonly WebhookEndpointRow[]> {
    return this.database.query<WebhookEndpointRow>({
      text: `select ${ROW} from webhook_endpoints where $1::uuid is null or id < $1 order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }

  /** Which of these keys belong to an endpoint. */
  async existing(keys: readonly string[]): Promise<ReadonlySet<string>> {
    if (keys.length === 0) return new Set();
    const rows = await this.database.query<{ key: string }>({
      name: 'webhook_endpoints_existing',
      text: 'select key from webhook_endpoints where key = any($1::text[])',
      values: [keys],
    });
    return new Set(rows.map(({ key }) => key));
  }

  async findCallable(key: string): Promise<CallableEndpoint | null> {
    const [row] = await this.database.query<CallableEndpoint>({
      name: 'webhook_endpoints_callable',
      text: `select url, gone_at is not null as "isGone",
          array_remove(array[secret, case when previous_until > clock_timestamp() then previous_secret end], null)
            as secrets
        from webhook_endpoints where key = $1`,
      values: [key],
    });
    return row ?? null;
  }

  /** @param url to which the answer belongs: an endpoint that was changed meanwhile did not give it */
  async markGone(key: string, url: string): Promise<void> {
    await this.database.query({
      name: 'webhook_endpoints_gone',
      text: 'update webhook_endpoints set gone_at = coalesce(gone_at, clock_timestamp()) where key = $1 and url = $2',
      values: [key, url],
    });
  }
}
