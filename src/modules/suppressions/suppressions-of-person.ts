import type { InstantMs } from '../../core/kernel/instant.js';
import type { Suppression } from '../../core/suppression/suppression.js';
import type { Queryable } from '../../platform/database/database.js';

/** Channels on which a message goes to an address whose hash can be suppressed. */
type AddressedChannel = 'email' | 'sms' | 'push';

/** A suppression of a person, or of an address of theirs, that nobody lifted. */
export interface PersonalSuppression extends Suppression {
  readonly source: string;
  /** Somebody else has the address too. */
  readonly isShared: boolean;
}

/** What may keep messages from a person: what `gateSuppression` has to know, read in one statement and so in one snapshot. */
export interface PersonSuppressions {
  readonly now: InstantMs;
  /** Keyed hashes of the addresses that messages would go to; null where there is none. */
  readonly addresses: Readonly<Record<AddressedChannel, string | null>>;
  readonly suppressions: readonly PersonalSuppression[];
}

interface Row {
  readonly now: InstantMs;
  readonly email: string | null;
  readonly sms: string | null;
  readonly push: string | null;
  readonly suppressions: readonly PersonalSuppression[];
}

const ms = (column: string): string => `(date_part('epoch', ${column}) * 1000)::bigint`;

/** The device that a decision would choose: of those that can be reached the one that was seen last, if somebody sends there. */
const DEVICE = `left join lateral (
    select known.address_hash from user_devices known
    where known.user_id = person.id and known.state = 'active'
    order by known.platform = any (array(select kind from provider_accounts)) desc, known.last_seen_at desc, known.id desc
    limit 1) device on true`;

const TEXT = `select clock_timestamp() as now, person.email_hash as email, person.phone_hash as sms,
    device.address_hash as push, coalesce((select json_agg(item order by item.id) from (
      select suppression.id, suppression.address_hash as "addressHash", channel, purpose, reason, source,
        ${ms('since')} as since, ${ms('until')} as until, exists (
          select from users other where other.id <> person.id
            and (other.email_hash = suppression.address_hash or other.phone_hash = suppression.address_hash)) as "isShared"
      from suppressions suppression
      where lifted_at is null and (suppression.user_id = person.id
        or suppression.address_hash in (person.email_hash, person.phone_hash, device.address_hash))) item), '[]') as suppressions
  from users person ${DEVICE} where person.id = $1`;

/** @returns nothing that holds for somebody whom nobody knows */
export async function suppressionsOfPerson(queryable: Queryable, userId: string): Promise<PersonSuppressions> {
  const [row] = await queryable.query<Row>({ name: 'suppressions_of_person', text: TEXT, values: [userId] });
  const { now, email, sms, push, suppressions } = row ?? NOBODY;
  // As a decision reads the clock: one that was set back would hide the latest of them.
  const latest = Math.max(now, ...suppressions.map(({ since }) => since));
  return { now: latest, addresses: { email, sms, push }, suppressions };
}

const NOBODY: Row = { now: 0, email: null, sms: null, push: null, suppressions: [] };
