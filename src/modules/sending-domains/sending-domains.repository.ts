import { Injectable } from '@nestjs/common';
import type { SendingCounts, SendingHealth, SendingState } from '../../core/delivery/sending-health.js';
import type { DurationMs, InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

export interface SendingDomainRow {
  readonly id: string;
  readonly domain: string;
  readonly state: SendingState;
  readonly reason: SendingHealth['reason'];
  readonly since: InstantMs;
}

/** What became of the mail of a domain by one account. */
export interface AccountCounts extends SendingCounts {
  readonly domain: string;
  readonly provider: string;
}

const ROW = 'id, domain, state, reason, since';
/** Longer than any window that the settings allow. */
const COUNTS_KEPT_DAYS = 32;

/** The only writer of sending_domains. Their counts are kept by the database as deliveries move. */
@Injectable()
export class SendingDomainsRepository {
  constructor(private readonly database: Database) {}

  /** @returns null for a domain of which nothing is known yet */
  async find(domain: string): Promise<SendingDomainRow | null> {
    const [row] = await this.database.query<SendingDomainRow>({
      name: 'sending_domains_find',
      text: `select ${ROW} from sending_domains where domain = $1`,
      values: [domain],
    });
    return row ?? null;
  }

  /** Makes the row of the domain, if need be. */
  async add(domain: string): Promise<void> {
    await this.database.query({
      name: 'sending_domains_add',
      text: `insert into sending_domains (domain) select $1
        where not exists (select from sending_domains where domain = $1) on conflict do nothing`,
      values: [domain],
    });
  }

  async lock(transaction: Transaction, domain: string): Promise<SendingDomainRow | null> {
    const [row] = await transaction.query<SendingDomainRow>({
      name: 'sending_domains_lock',
      text: `select ${ROW} from sending_domains where domain = $1 for update`,
      values: [domain],
    });
    return row ?? null;
  }

  async setState(
    transaction: Transaction,
    id: string,
    { state, reason }: Omit<SendingHealth, 'complaintRate' | 'bounceRate'>,
  ): Promise<void> {
    await transaction.query({
      text: 'update sending_domains set state = $2, reason = $3, since = clock_timestamp() where id = $1',
      values: [id, state, reason],
    });
  }

  /** Makes it active; what was counted until now is not held against it. */
  async resume(transaction: Transaction, id: string): Promise<void> {
    await transaction.query({
      text: `update sending_domains set state = 'active', reason = null, since = clock_timestamp(),
          judged_from = date_bin('10 minutes', clock_timestamp(), 'epoch') + interval '10 minutes' where id = $1`,
      values: [id],
    });
  }

  /** By account, of what was sent within the time, as far as it is judged. */
  countsOf(queryable: Queryable, domains: readonly string[], withinMs: DurationMs): Promise<readonly AccountCounts[]> {
    return queryable.query<AccountCounts>({
      name: 'sending_domains_counts',
      text: `select counts.domain, provider, sum(taken)::int as taken, sum(bounced)::int as bounced,
          sum(complained)::int as complained
        from sending_counts counts join sending_domains known on known.domain = counts.domain
        where counts.domain = any ($1) and claimed_in >= judged_from
          and claimed_in > clock_timestamp() - make_interval(secs => $2::float8 / 1000)
        group by counts.domain, provider order by counts.domain, provider`,
      values: [domains, withinMs],
    });
  }

  list(page: PageRequest): Promise<readonly SendingDomainRow[]> {
    return this.database.query<SendingDomainRow>({
      text: `select ${ROW} from sending_domains where $1::uuid is null or id > $1 order by id limit $2`,
      values: [page.after, page.limit],
    });
  }

  /** Names of all that are known. */
  async names(): Promise<readonly string[]> {
    const rows = await this.database.query<{ domain: string }>({
      name: 'sending_domains_names',
      text: 'select domain from sending_domains',
    });
    return rows.map(({ domain }) => domain);
  }

  /** Forgets what no window reaches. */
  async purge(): Promise<void> {
    await this.database.query({
      name: 'sending_domains_purge',
      text: `delete from sending_counts where claimed_in < clock_timestamp() - interval '${COUNTS_KEPT_DAYS} days'`,
    });
  }
}
