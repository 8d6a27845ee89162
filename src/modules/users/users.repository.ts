import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { UserReference } from './user-reference.js';

/** What the company says about a person. */
export interface Profile {
  readonly externalId: string | null;
  readonly email: string | null;
  /** Keyed hash of the e-mail address; null exactly when there is none. */
  readonly emailHash: string | null;
  readonly phone: string | null;
  readonly name: string | null;
  readonly lifecycleStage: string | null;
  readonly timezone: string | null;
  readonly locale: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface UserRow extends Profile {
  readonly id: string;
  readonly createdAt: InstantMs;
  readonly updatedAt: InstantMs;
  readonly isErased: boolean;
}

/** A profile after it was replaced. */
interface ReplacedRow extends UserRow {
  /** Whether any of it differs from what was there before. */
  readonly isChanged: boolean;
}

export interface Upserted {
  readonly id: string;
  readonly externalId: string;
  readonly isNew: boolean;
  /** Whether any of it differs from what was there before; true of a new one. */
  readonly isChanged: boolean;
}

const ROW = `id, external_id as "externalId", email, email_hash as "emailHash", phone, name,
  lifecycle_stage as "lifecycleStage", timezone, locale, attributes, created_at as "createdAt",
  updated_at as "updatedAt", erased_at is not null as "isErased"`;

const PROFILE = [
  'external_id',
  'email',
  'email_hash',
  'phone',
  'name',
  'lifecycle_stage',
  'timezone',
  'locale',
  'attributes',
];
const IS_CHANGED = `(${PROFILE.map((column) => `old.${column}`).join(', ')}) is distinct from
  (${PROFILE.map((column) => `new.${column}`).join(', ')})`;

/** The only writer of users; makes each user's row in contact_state, which is the lock of everything about contacts. */
@Injectable()
export class UsersRepository {
  constructor(private readonly database: Database) {}

  /** @throws DatabaseError on `users_external_id_key` when the external id is taken */
  async insert(transaction: Transaction, profile: Profile): Promise<UserRow> {
    const [row] = await transaction.query<UserRow>({
      name: 'users_insert',
      text: `with added as (
          insert into users (external_id, email, email_hash, phone, name, lifecycle_stage, timezone, locale, attributes)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning *
        ), state as (insert into contact_state (user_id) select id from added)
        select ${ROW} from added`,
      values: profileValues(profile),
    });
    if (row === undefined) throw new Error('an inserted user was not returned');
    return row;
  }

  /** Replaces the whole profile; an external id is kept where none is given. Null when the user is erased by now. */
  async replace(transaction: Transaction, id: string, profile: Profile): Promise<ReplacedRow | null> {
    const [row] = await transaction.query<ReplacedRow>({
      name: 'users_replace',
      text: `update users set external_id = coalesce($1, external_id), email = $2, email_hash = $3, phone = $4,
          name = $5, lifecycle_stage = $6, timezone = $7, locale = $8, attributes = $9, updated_at = clock_timestamp()
        where id = $10 and erased_at is null returning ${ROW}, ${IS_CHANGED} as "isChanged"`,
      values: [...profileValues(profile), id],
    });
    return row ?? null;
  }

  /**
   * Creates or replaces by external id. Those who exist are locked first, by id as everywhere; the new ones then come in
   * the order of their external ids. Who is erased while this waits has no external id any more, and is made anew.
   */
  async upsert(transaction: Transaction, profiles: readonly Profile[]): Promise<readonly Upserted[]> {
    await transaction.query({
      name: 'users_lock_existing',
      text: 'select from users where external_id = any ($1) order by id for no key update',
      values: [profiles.map(({ externalId }) => externalId)],
    });
    return transaction.query<Upserted>({
      name: 'users_upsert',
      text: `with written as (
          insert into users (external_id, email, email_hash, phone, name, lifecycle_stage, timezone, locale, attributes)
          select "externalId", email, "emailHash", phone, name, "lifecycleStage", timezone, locale, attributes
          from jsonb_to_recordset($1::jsonb) as item ("externalId" text, email text, "emailHash" text, phone text,
            name text, "lifecycleStage" text, timezone text, locale text, attributes jsonb)
          order by "externalId"
          on conflict (external_id) do update set email = excluded.email, email_hash = excluded.email_hash,
            phone = excluded.phone, name = excluded.name, lifecycle_stage = excluded.lifecycle_stage,
            timezone = excluded.timezone, locale = excluded.locale, attributes = excluded.attributes,
            updated_at = clock_timestamp()
          returning id, external_id, old.id is null as is_new, ${IS_CHANGED} as is_changed
        ), state as (insert into contact_state (user_id) select id from written where is_new)
        select id, external_id as "externalId", is_new as "isNew", is_changed as "isChanged" from written`,
      values: [JSON.stringify(profiles)],
    });
  }

  async find(reference: UserReference, queryable: Queryable = this.database): Promise<UserRow | null> {
    const isId = reference.kind === 'id';
    const [row] = await queryable.query<UserRow>({
      name: isId ? 'users_find' : 'users_find_external',
      text: `select ${ROW} from users where ${isId ? 'id' : 'external_id'} = $1`,
      values: [isId ? reference.id : reference.externalId],
    });
    return row ?? null;
  }

  /**
   * Reads a user for the last time before the erasure. It waits for everybody who writes about the person at the moment
   * (`hold` and every write of the profile keep the row), sees what they leave, and keeps all others waiting.
   */
  async findForErasure(transaction: Transaction, id: string): Promise<UserRow | null> {
    const [row] = await transaction.query<UserRow>({
      name: 'users_find_for_erasure',
      text: `select ${ROW} from users where id = $1 for update`,
      values: [id],
    });
    return row ?? null;
  }

  /** Ids of the users with these external ids; unknown ones are left out. */
  async idsOf(externalIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.database.query<{ id: string; externalId: string }>({
      name: 'users_ids',
      text: 'select id, external_id as "externalId" from users where external_id = any ($1)',
      values: [externalIds],
    });
    return new Map(rows.map((row) => [row.externalId, row.id]));
  }

  /** Oldest first. */
  list(
    filter: { readonly email: string | null; readonly externalId: string | null },
    page: PageRequest,
  ): Promise<readonly UserRow[]> {
    return this.database.query<UserRow>({
      text: `select ${ROW} from users
        where erased_at is null and ($1::text is null or lower(email) = lower($1))
          and ($2::text is null or external_id = $2) and ($3::uuid is null or id > $3)
        order by id limit $4`,
      values: [filter.email, filter.externalId, page.after, page.limit],
    });
  }

  /** @returns those of `ids` that can be written about: known and not erased. They stay so until the commit. */
  async hold(transaction: Transaction, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await transaction.query<{ id: string }>({
      name: 'users_hold',
      text: 'select id from users where id = any ($1) and erased_at is null order by id for share',
      values: [ids],
    });
    return new Set(rows.map(({ id }) => id));
  }

  /** Takes the users' locks in one order, so that two batches never wait for each other. */
  async lock(transaction: Transaction, ids: readonly string[]): Promise<void> {
    await transaction.query({
      name: 'users_lock',
      text: 'select user_id from contact_state where user_id = any ($1) order by user_id for update',
      values: [ids],
    });
  }

  async idsWithEmailHash(queryable: Queryable, emailHash: string): Promise<readonly string[]> {
    const rows = await queryable.query<{ id: string }>({
      name: 'users_with_email_hash',
      text: 'select id from users where email_hash = $1',
      values: [emailHash],
    });
    return rows.map(({ id }) => id);
  }

  /** Takes every personal word out of the row. The id stays: decisions and the audit trail point at it. */
  async erase(transaction: Transaction, id: string): Promise<void> {
    await transaction.query({
      text: `update users set external_id = null, email = null, email_hash = null, phone = null, name = null,
          lifecycle_stage = null, timezone = null, locale = null, attributes = '{}', updated_at = clock_timestamp(),
          erased_at = clock_timestamp()
        where id = $1`,
      values: [id],
    });
  }
}

function profileValues(profile: Profile): readonly unknown[] {
  return [
    profile.externalId,
    profile.email,
    profile.emailHash,
    profile.phone,
    profile.name,
    profile.lifecycleStage,
    profile.timezone,
    profile.locale,
    JSON.stringify(profile.attributes),
  ];
}
