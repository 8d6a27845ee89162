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
  /** Keyed hash of the telephone number; null exactly when there is none. */
  readonly phoneHash: string | null;
  readonly name: string | null;
  readonly lifecycleStage: string | null;
  readonly timezone: string | null;
  readonly locale: string | null;
  /** ISO 3166: where the company knows the person to be, e.g. `US` or `US-FL`. */
  readonly jurisdiction: string | null;
  /** Where the person would rather be reached; null: no preference. Left undefined, what is stored stays. */
  readonly preferredChannel: string | null | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface UserRow extends Profile {
  readonly id: string;
  readonly preferredChannel: string | null;
  readonly createdAt: InstantMs;
  readonly updatedAt: InstantMs;
  readonly isErased: boolean;
}

type Amendable = Pick<Profile, 'lifecycleStage' | 'attributes'>;

/** A profile after it was replaced. */
interface ReplacedRow extends UserRow {
  /** Whether any of it differs from what was there before. */
  readonly isChanged: boolean;
}

/** That nobody is to contact a user for now, and why. */
export interface UserHoldRow {
  readonly reason: string;
  readonly heldBy: string;
  readonly since: InstantMs;
  readonly until: InstantMs | null;
}

/** Where a person's device said it was, and when. */
export interface DeviceZone {
  readonly userId: string;
  /** A valid IANA zone. */
  readonly zone: string;
  readonly at: InstantMs;
}

/**
 * While the zone stays the same its time is only written anew after this long, or every event would write the row. A
 * late event from within that time can win wrongly; the next one puts it right.
 */
const DEVICE_ZONE_FRESH = '1 hour';

export interface Upserted {
  readonly id: string;
  readonly externalId: string;
  readonly isNew: boolean;
  /** Whether any of it differs from what was there before; true of a new one. */
  readonly isChanged: boolean;
}

const ROW = `id, external_id as "externalId", email, email_hash as "emailHash", phone, phone_hash as "phoneHash", name,
  lifecycle_stage as "lifecycleStage", timezone, locale, jurisdiction, preferred_channel as "preferredChannel", attributes,
  created_at as "createdAt", updated_at as "updatedAt", erased_at is not null as "isErased"`;

const PROFILE = [
  'external_id',
  'email',
  'email_hash',
  'phone',
  'name',
  'lifecycle_stage',
  'timezone',
  'locale',
  'jurisdiction',
  'preferred_channel',
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
          insert into users (external_id, email, email_hash, phone, phone_hash, name, lifecycle_stage, timezone, locale,
            jurisdiction, attributes, preferred_channel)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning *
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
          phone_hash = $5, name = $6, lifecycle_stage = $7, timezone = $8, locale = $9, jurisdiction = $10,
          attributes = $11, preferred_channel = case when $13::boolean then $12 else preferred_channel end,
          updated_at = clock_timestamp()
        where id = $14 and erased_at is null returning ${ROW}, ${IS_CHANGED} as "isChanged"`,
      values: [...profileValues(profile), profile.preferredChannel !== undefined, id],
    });
    return row ?? null;
  }

  /** What a step of a journey may change; others who write about the person wait. Null when the user is erased by now. */
  async findForAmendment(transaction: Transaction, id: string): Promise<Amendable | null> {
    const [row] = await transaction.query<Amendable>({
      name: 'users_find_for_amendment',
      text: `select lifecycle_stage as "lifecycleStage", attributes from users
        where id = $1 and erased_at is null for no key update`,
      values: [id],
    });
    return row ?? null;
  }

  /** @returns whether any of it differs from what was there before */
  async amend(transaction: Transaction, id: string, { lifecycleStage, attributes }: Amendable): Promise<boolean> {
    const rows = await transaction.query({
      name: 'users_amend',
      text: `update users set lifecycle_stage = $2, attributes = $3, updated_at = clock_timestamp()
        where id = $1 and (lifecycle_stage, attributes) is distinct from ($2::text, $3::jsonb) returning id`,
      values: [id, lifecycleStage, JSON.stringify(attributes)],
    });
    return rows.length > 0;
  }

  /** @returns whether another channel, or none, was preferred before; false when the user is erased by now */
  async prefer(transaction: Transaction, id: string, channel: string | null): Promise<boolean> {
    const rows = await transaction.query({
      name: 'users_prefer',
      text: `update users set preferred_channel = $2, updated_at = clock_timestamp()
        where id = $1 and erased_at is null and preferred_channel is distinct from $2 returning id`,
      values: [id, channel],
    });
    return rows.length > 0;
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
    const preferring = profiles.filter(({ preferredChannel }) => preferredChannel !== undefined);
    return transaction.query<Upserted>({
      name: 'users_upsert',
      text: `with written as (
          insert into users (external_id, email, email_hash, phone, phone_hash, name, lifecycle_stage, timezone, locale,
            jurisdiction, preferred_channel, attributes)
          select "externalId", email, "emailHash", phone, "phoneHash", name, "lifecycleStage", timezone, locale,
            jurisdiction, "preferredChannel", attributes
          from jsonb_to_recordset($1::jsonb) as item ("externalId" text, email text, "emailHash" text, phone text,
            "phoneHash" text, name text, "lifecycleStage" text, timezone text, locale text,
            jurisdiction text, "preferredChannel" text, attributes jsonb)
          order by "externalId"
          on conflict (external_id) do update set email = excluded.email, email_hash = excluded.email_hash,
            phone = excluded.phone, phone_hash = excluded.phone_hash, name = excluded.name, lifecycle_stage = excluded.lifecycle_stage,
            timezone = excluded.timezone, locale = excluded.locale, jurisdiction = excluded.jurisdiction,
            preferred_channel = case when excluded.external_id = any ($2) then excluded.preferred_channel
              else users.preferred_channel end,
            attributes = excluded.attributes, updated_at = clock_timestamp()
          returning id, external_id, old.id is null as is_new, ${IS_CHANGED} as is_changed
        ), state as (insert into contact_state (user_id) select id from written where is_new)
        select id, external_id as "externalId", is_new as "isNew", is_changed as "isChanged" from written`,
      values: [JSON.stringify(profiles), preferring.map(({ externalId }) => externalId)],
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

  /** The hold that stands on a user, as others wrote it. */
  async holdOn(id: string): Promise<UserHoldRow | null> {
    const [row] = await this.database.query<UserHoldRow>({
      name: 'users_hold_on',
      text: `select reason, held_by as "heldBy", since, until from user_holds
        where user_id = $1 and lifted_at is null and (until is null or until > clock_timestamp())`,
      values: [id],
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

  /**
   * As `hold`, and nobody else holds them meanwhile. Whoever waits for the commit sees what this transaction wrote; what
   * those wrote who held them before is seen by later statements. Waiting is in turn: shared locks are let past whoever
   * waits for a lock of its own, and a stream of them would keep it waiting for ever.
   */
  async holdAlone(transaction: Transaction, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await transaction.query<{ id: string }>({
      name: 'users_hold_alone',
      text: 'select id from users where id = any ($1) and erased_at is null order by id for no key update',
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

  /** Those of `zones` that tell something new: newer than what is known, and another zone or much newer. */
  async newDeviceZones(queryable: Queryable, zones: readonly DeviceZone[]): Promise<readonly string[]> {
    const rows = await queryable.query<{ id: string }>({
      name: 'users_new_device_zones',
      text: `select id from users join ${GIVEN_ZONES} on given.user_id = users.id where ${IS_NEW_ZONE}`,
      values: zoneValues(zones),
    });
    return rows.map(({ id }) => id);
  }

  /** @returns the users who are somewhere else now as far as decisions can tell: the profile's own zone comes first */
  async noteDeviceZones(transaction: Transaction, zones: readonly DeviceZone[]): Promise<readonly string[]> {
    const rows = await transaction.query<{ id: string; isElsewhere: boolean }>({
      name: 'users_note_device_zones',
      // Locked by id as everywhere.
      text: `with locked as (
          select id from users where id = any ($1) and erased_at is null order by id for no key update
        )
        update users set context_timezone = given.zone, context_timezone_at = given.at
        from ${GIVEN_ZONES} join locked on locked.id = given.user_id
        where users.id = given.user_id and ${IS_NEW_ZONE}
        returning users.id, new.timezone is null
          and old.context_timezone is distinct from new.context_timezone as "isElsewhere"`,
      values: zoneValues(zones),
    });
    return rows.filter(({ isElsewhere }) => isElsewhere).map(({ id }) => id);
  }

  async idsWithAddressHashes(queryable: Queryable, hashes: readonly string[]): Promise<readonly string[]> {
    const rows = await queryable.query<{ id: string }>({
      name: 'users_with_address_hashes',
      text: 'select id from users where email_hash = any ($1) or phone_hash = any ($1)',
      values: [hashes],
    });
    return rows.map(({ id }) => id);
  }

  /** Takes every personal word out of the row. The id stays: decisions and the audit trail point at it. */
  async erase(transaction: Transaction, id: string): Promise<void> {
    await transaction.query({
      text: `update users set external_id = null, email = null, email_hash = null, phone = null, phone_hash = null, name = null,
          lifecycle_stage = null, timezone = null, context_timezone = null, context_timezone_at = null, locale = null,
          jurisdiction = null, preferred_channel = null, attributes = '{}', updated_at = clock_timestamp(),
          erased_at = clock_timestamp()
        where id = $1`,
      values: [id],
    });
  }
}

const GIVEN_ZONES = `(select user_id, zone, to_timestamp(ms / 1000) as at
  from unnest($1::uuid[], $2::text[], $3::float8[]) as item (user_id, zone, ms)) given`;
const IS_NEW_ZONE = `erased_at is null and (context_timezone_at is null or context_timezone_at < given.at)
  and (context_timezone is distinct from given.zone or context_timezone_at < given.at - interval '${DEVICE_ZONE_FRESH}')`;

const zoneValues = (zones: readonly DeviceZone[]): readonly unknown[] => [
  zones.map(({ userId }) => userId),
  zones.map(({ zone }) => zone),
  zones.map(({ at }) => at),
];

function profileValues(profile: Profile): readonly unknown[] {
  return [
    profile.externalId,
    profile.email,
    profile.emailHash,
    profile.phone,
    profile.phoneHash,
    profile.name,
    profile.lifecycleStage,
    profile.timezone,
    profile.locale,
    profile.jurisdiction,
    JSON.stringify(profile.attributes),
    profile.preferredChannel ?? null,
  ];
}
