import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../database/database.js';

/** Longer than any request may take, so that a second request never runs beside the first. */
const LOCK_SECONDS = 120;
const KEPT_HOURS = 48;

export interface RepeatableRequest {
  readonly principal: string;
  readonly key: string;
  readonly requestHash: string;
}

export type Reservation =
  | { readonly kind: 'first' }
  | { readonly kind: 'in_progress' }
  | { readonly kind: 'other_request' }
  | { readonly kind: 'answered'; readonly status: number; readonly body: unknown };

interface StoredRow {
  readonly request_hash: string;
  readonly status: number | null;
  readonly body: unknown;
}

/** Requests that carried an Idempotency-Key, with their answers. */
@Injectable()
export class IdempotencyRepository {
  constructor(private readonly database: Database) {}

  /** Takes the key for this request, or tells what became of the request that took it before. */
  async reserve(request: RepeatableRequest): Promise<Reservation> {
    const taken = await this.database.query({
      name: 'idempotency_reserve',
      // A row without an answer whose lock has run out belongs to a process that died.
      text: `insert into idempotency_keys as stored (principal, key, request_hash, locked_until)
        values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
        on conflict (principal, key) do update
          set locked_until = excluded.locked_until, created_at = clock_timestamp()
          where stored.status is null and stored.locked_until < clock_timestamp()
            and stored.request_hash = excluded.request_hash
        returning principal`,
      values: [request.principal, request.key, request.requestHash, LOCK_SECONDS],
    });
    return taken.length > 0 ? { kind: 'first' } : this.earlier(request);
  }

  private async earlier({ principal, key, requestHash }: RepeatableRequest): Promise<Reservation> {
    const [row] = await this.database.query<StoredRow>({
      name: 'idempotency_earlier',
      text: 'select request_hash, status, body from idempotency_keys where principal = $1 and key = $2',
      values: [principal, key],
    });
    if (row === undefined) return { kind: 'in_progress' };
    if (row.request_hash !== requestHash) return { kind: 'other_request' };
    if (row.status === null) return { kind: 'in_progress' };
    return { kind: 'answered', status: row.status, body: row.body };
  }

  /** Keeps the answer, unless it mentions somebody who was erased while the request was under way: see `forget`. */
  async store(request: RepeatableRequest, answer: { readonly status: number; readonly body: unknown }): Promise<void> {
    await this.database.query({
      name: 'idempotency_store',
      text: `update idempotency_keys as stored
        set (status, body) = (
          select case when is_erased then 410 else $3::int end, case when is_erased then null else $4::text::jsonb end
          from (select exists (
            select from jsonb_array_elements_text(coalesce(stored.body, '[]')) erased (id)
            where position(erased.id in $4::text) > 0)) as about (is_erased)
        )
        where principal = $1 and key = $2 and status is null`,
      values: [request.principal, request.key, answer.status, JSON.stringify(answer.body ?? null)],
    });
  }

  /** Nothing was done, so the same key may be used again. */
  async release(request: RepeatableRequest): Promise<void> {
    await this.database.query({
      name: 'idempotency_release',
      text: 'delete from idempotency_keys where principal = $1 and key = $2 and status is null',
      values: [request.principal, request.key],
    });
  }

  /**
   * Forgets every stored answer that mentions the id: part of erasing a person. A repeated request then gets a 410.
   * Requests without an answer yet note the id in its place, because theirs may mention it too.
   */
  async forget(queryable: Queryable, id: string): Promise<void> {
    await queryable.query({
      text: `update idempotency_keys set status = case when status is null then null else 410 end,
          body = case when status is null then coalesce(body, '[]') || to_jsonb($1::text) end
        where status is null or position($1 in body::text) > 0`,
      values: [id],
    });
  }

  async purge(): Promise<void> {
    await this.database.query({
      text: 'delete from idempotency_keys where created_at < clock_timestamp() - make_interval(hours => $1)',
      values: [KEPT_HOURS],
    });
  }
}
