import { Injectable } from '@nestjs/common';
import type { ConsentRecord } from '../../core/consent/consent-record.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';
import type { ProfileFacts } from '../users/index.js';
import type { Identifier } from './audience-hash.js';

/** Channel of the consent, and of suppressions that keep somebody out. */
export const AUDIENCE_CHANNEL = 'audience';

export interface MemberRow {
  readonly id: string;
  readonly userId: string | null;
  readonly kind: Identifier;
  readonly hash: string;
  readonly isWanted: boolean;
  readonly actual: 'absent' | 'unsure' | 'present';
  readonly updatedAt: InstantMs;
}

/** How an audience stands. */
export interface MemberCounts {
  readonly present: number;
  readonly toAdd: number;
  readonly toRemove: number;
}

/** A user with everything that decides about the place in an audience, at one instant. */
export interface AudienceCandidate extends ProfileFacts {
  readonly id: string;
  readonly now: InstantMs;
  readonly isSuppressed: boolean;
  readonly consents: readonly ConsentRecord[];
}

/** Who is to be in an audience from now on. */
export interface Wanted {
  readonly userId: string;
  readonly kind: Identifier;
  readonly hash: string;
}

const ROW = `id, user_id as "userId", kind, hash, is_wanted as "isWanted", actual, updated_at as "updatedAt"`;
const ms = (column: string): string => `(date_part('epoch', ${column}) * 1000)::bigint`;

/** What is filtered by in a list of members. */
const MEMBER_STATES = {
  present: `is_wanted and actual = 'present'`,
  to_add: `is_wanted and actual <> 'present'`,
  to_remove: 'not is_wanted',
} as const;
export type MemberState = keyof typeof MEMBER_STATES;

/** The only writer of audience_members; reads users, consents and suppressions. */
@Injectable()
export class AudienceMembers {
  constructor(private readonly database: Database) {}

  /** Whether the switch that stops all sending is on: then nobody is told of either. */
  async isSendingStopped(): Promise<boolean> {
    const [row] = await this.database.query<{ isOn: boolean }>({
      name: 'audience_is_sending_stopped',
      text: 'select is_kill_switch_on as "isOn" from controls',
    });
    return row?.isOn ?? true;
  }

  /** Users by id, with what keeps them in or out. */
  candidates(
    transaction: Transaction,
    page: { readonly after: string | null; readonly limit: number; readonly purpose: string },
  ): Promise<readonly AudienceCandidate[]> {
    return transaction.query<AudienceCandidate>({
      name: 'audience_candidates',
      text: `select person.id, external_id as "externalId", email, name, phone, lifecycle_stage as "lifecycleStage", timezone,
          locale, jurisdiction, preferred_channel as "preferredChannel", attributes, clock_timestamp() as now,
          exists (select from suppressions
            where (suppressions.user_id = person.id or address_hash in (person.email_hash, person.phone_hash))
              and lifted_at is null and (until is null or until > clock_timestamp())
              and (channel is null or channel = '${AUDIENCE_CHANNEL}') and (purpose is null or purpose = $3)
          ) as "isSuppressed",
          coalesce((select json_agg(item order by item.id) from (
            select id, purpose, channel, brand, status, basis, is_objection as "isObjection",
              ${ms('stated_at')} as "statedAt", ${ms('received_at')} as "receivedAt", ${ms('expires_at')} as "expiresAt"
            from consent_records where user_id = person.id and clock_domain = 'real') item), '[]') as consents
        from users person
        where erased_at is null and ($1::uuid is null or person.id > $1) order by person.id limit $2`,
      values: [page.after, page.limit, page.purpose],
    });
  }

  /** Everybody of `userIds` who is not among `wanted` any more is to be removed, by each address. */
  async unwant(
    transaction: Transaction,
    { syncId, userIds, wanted }: { syncId: string; userIds: readonly string[]; wanted: readonly Wanted[] },
  ): Promise<void> {
    await transaction.query({
      name: 'audience_members_unwant',
      text: `update audience_members set is_wanted = false, updated_at = clock_timestamp()
        where sync_id = $1 and user_id = any ($2) and is_wanted and (kind, hash) not in (
          select kind, hash from unnest($3::text[], $4::text[]) as wanted (kind, hash))`,
      values: [syncId, userIds, wanted.map(({ kind }) => kind), wanted.map(({ hash }) => hash)],
    });
  }

  /** An address that several people have belongs to the one who was looked at last. */
  async want(transaction: Transaction, syncId: string, wanted: readonly Wanted[]): Promise<void> {
    const once = [...new Map(wanted.map((each) => [`${each.kind} ${each.hash}`, each])).values()];
    await transaction.query({
      name: 'audience_members_want',
      text: `insert into audience_members as known (sync_id, user_id, kind, hash, is_wanted)
        select $1, user_id, kind, hash, true
        from unnest($2::uuid[], $3::text[], $4::text[]) as wanted (user_id, kind, hash)
        on conflict on constraint audience_members_once do update
          set user_id = excluded.user_id, is_wanted = true, updated_at = clock_timestamp()
          where not known.is_wanted or known.user_id is distinct from excluded.user_id`,
      values: [syncId, once.map(({ userId }) => userId), once.map(({ kind }) => kind), once.map(({ hash }) => hash)],
    });
  }

  /** Nobody is wanted any more. */
  async unwantAll(transaction: Transaction, syncId: string): Promise<void> {
    await transaction.query({
      text: 'update audience_members set is_wanted = false, updated_at = clock_timestamp() where sync_id = $1 and is_wanted',
      values: [syncId],
    });
  }

  /**
   * The next ones to add or to remove. From now on nobody can say whether they are there, until `settle` says it: a
   * process that dies in between leaves them to be sent again.
   *
   * @returns hashes
   */
  async begin(batch: {
    readonly syncId: string;
    readonly act: 'add' | 'remove';
    readonly kind: Identifier;
    readonly limit: number;
  }): Promise<readonly string[]> {
    const isDue = batch.act === 'add' ? MEMBER_STATES.to_add : `${MEMBER_STATES.to_remove} and actual <> 'absent'`;
    const rows = await this.database.query<{ hash: string }>({
      name: `audience_members_begin_${batch.act}`,
      text: `update audience_members set actual = 'unsure' where id in (
          select id from audience_members where sync_id = $1 and kind = $2 and ${isDue} order by id limit $3)
        returning hash`,
      values: [batch.syncId, batch.kind, batch.limit],
    });
    return rows.map(({ hash }) => hash);
  }

  /** The platform took a batch. What is wanted may have changed meanwhile: then another batch follows. */
  async settle(batch: {
    readonly syncId: string;
    readonly act: 'add' | 'remove';
    readonly kind: Identifier;
    readonly hashes: readonly string[];
  }): Promise<void> {
    await this.database.query({
      name: 'audience_members_settle',
      text: `update audience_members set actual = $4, updated_at = clock_timestamp()
        where sync_id = $1 and kind = $2 and hash = any ($3)`,
      values: [batch.syncId, batch.kind, batch.hashes, batch.act === 'add' ? 'present' : 'absent'],
    });
  }

  /** Forgets who is neither wanted nor there. */
  async forgetAbsent(syncId: string): Promise<void> {
    await this.database.query({
      name: 'audience_members_forget_absent',
      text: `delete from audience_members where sync_id = $1 and not is_wanted and actual = 'absent'`,
      values: [syncId],
    });
  }

  async counts(syncId: string): Promise<MemberCounts> {
    const [row] = await this.database.query<MemberCounts>({
      text: `select count(*) filter (where ${MEMBER_STATES.present})::int as present,
          count(*) filter (where ${MEMBER_STATES.to_add})::int as "toAdd",
          count(*) filter (where ${MEMBER_STATES.to_remove})::int as "toRemove"
        from audience_members where sync_id = $1`,
      values: [syncId],
    });
    return row ?? { present: 0, toAdd: 0, toRemove: 0 };
  }

  /** Newest first. */
  list(syncId: string, state: MemberState | null, page: PageRequest): Promise<readonly MemberRow[]> {
    return this.database.query<MemberRow>({
      text: `select ${ROW} from audience_members where sync_id = $1 and ($2::uuid is null or id < $2)
        ${state === null ? '' : `and ${MEMBER_STATES[state]}`} order by id desc limit $3`,
      values: [syncId, page.after, page.limit],
    });
  }

  /** The platform is told by the hash, which is forgotten once it has taken it. */
  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    await transaction.query({
      text: `update audience_members set is_wanted = false, user_id = null, updated_at = clock_timestamp() where user_id = $1`,
      values: [userId],
    });
  }
}
