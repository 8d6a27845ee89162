// A company of some size: users, their consents, suppressions and contacts of the last 60 days. Made once for each scale
// and kept, because it takes minutes.
const CONTACTS_PER_USER = 10;
const USERS_PER_BATCH = 100_000;
const ZONES = [
  'America/New_York',
  'America/Los_Angeles',
  'Europe/Berlin',
  'Europe/London',
  'Asia/Kolkata',
  'Asia/Tokyo',
  'Australia/Sydney',
  'America/Sao_Paulo',
];

/** The id of the n-th user, from 1. */
export const userIdOf = (n) => `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const USER_ID = `('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;

/** Fills empty tables. Indexes of the big ones are made afterwards, as any restore does. */
export async function fill(client, users, say) {
  const { rows: indexes } = await client.query(`
    select indexname as name, indexdef as text from pg_indexes
    where tablename in ('contact_ledger', 'consent_records') and indexname not like '%_pkey'`);
  await client.query('set synchronous_commit = off');
  await client.query('alter table contact_ledger drop constraint contact_ledger_pkey');
  for (const { name } of indexes) await client.query(`drop index ${name}`);
  for (let first = 1; first <= users; first += USERS_PER_BATCH) {
    const last = Math.min(users, first + USERS_PER_BATCH - 1);
    for (const text of batch(first, last)) await client.query(text);
    say(`${last} users`);
  }
  await client.query(suppressions(users));
  await client.query(outcomes(users));
  say('indexes');
  await client.query(`set maintenance_work_mem = '512MB'`);
  await client.query('alter table contact_ledger add primary key (delivery_id)');
  for (const { text } of indexes) await client.query(text);
  await client.query('vacuum analyze');
  await client.query('checkpoint');
}

function batch(first, last) {
  const series = `generate_series(${first}, ${last}) n`;
  return [
    `insert into users (id, external_id, email, email_hash, name, timezone, locale, attributes)
      select ${USER_ID}, 'customer-' || n, 'person' || n || '@example.com', encode(sha256(n::text::bytea), 'hex'),
        'Person ' || n, (array['${ZONES.join(`','`)}'])[n % ${ZONES.length} + 1], 'en-GB',
        jsonb_build_object('plan', (array['free', 'pro', 'team'])[n % 3 + 1], 'seats', n % 50, 'country', 'DE')
      from ${series}`,
    `insert into contact_state (user_id) select ${USER_ID} from ${series}`,
    // Everybody once agreed; one in ten has withdrawn since.
    `insert into consent_records (user_id, purpose, channel, brand, status, basis, stated_at, received_at, source)
      select ${USER_ID}, 'marketing', 'email', 'default', 'granted', 'consent', now() - interval '90 days',
        now() - interval '90 days', 'benchmark' from ${series}
      union all
      select ${USER_ID}, 'marketing', 'email', 'default', 'withdrawn', 'consent', now() - interval '9 days',
        now() - interval '9 days', 'benchmark' from ${series} where n % 10 = 0`,
    `insert into contact_ledger (delivery_id, user_id, decision_id, at, channel, purpose, journey_key, tags, action,
        action_group, state)
      select uuidv7(), ${USER_ID}, uuidv7(), now() - random() * interval '60 days', 'email', 'marketing', 'welcome',
        array['news'], 'action_' || contact, null, 'sent'
      from ${series}, generate_series(1, ${CONTACTS_PER_USER}) contact`,
  ];
}

/** One user in three has dismissed something lately. */
function outcomes(users) {
  return `insert into contact_outcomes (delivery_id, kind, user_id, decision_id, at, channel, purpose, action)
    select uuidv7(), 'dismissed', ${USER_ID}, uuidv7(), now() - random() * interval '14 days', 'email', 'marketing',
      'action_' || n % 10 from generate_series(1, ${users}, 3) n`;
}

/** One address in twenty has bounced, and belongs to nobody whom we know any more. */
function suppressions(users) {
  return `insert into suppressions (address_hash, channel, reason, source, since)
    select encode(sha256(('gone ' || n)::bytea), 'hex'), 'email', 'hard_bounce', 'benchmark', now()
    from generate_series(1, ${Math.ceil(users / 20)}) n`;
}
