import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import { judgeSending } from '../../core/delivery/sending-health.js';
import { HOUR_MS } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import type { SendingDomainView } from './sending-domains.dto.js';
import { SendingDomainsRepository, type AccountCounts, type SendingDomainRow } from './sending-domains.repository.js';
import { totalOf } from './sending-guard.js';
import { SendingHooks } from './sending-hooks.js';

/** The domains from which e-mail goes out, as operators see them. */
@Injectable()
export class SendingDomainsService {
  constructor(
    private readonly database: Database,
    private readonly domains: SendingDomainsRepository,
    private readonly audit: AuditLog,
    private readonly hooks: SendingHooks,
    @Inject(CONFIG) private readonly config: Pick<Config, 'sendingGuard'>,
  ) {}

  async list(page: PageRequest): Promise<Page<SendingDomainView>> {
    const rows = await this.domains.list({ ...page, limit: page.limit + 1 });
    const counts = await this.countsOf(rows);
    return toPage(
      rows,
      page,
      ({ id }) => id,
      (row) => this.toView(row, counts),
    );
  }

  /**
   * Lets marketing go out again, and wakes who waits for it; only what is sent from then on is judged.
   *
   * @throws NotFoundException SENDING_DOMAIN_UNKNOWN
   */
  async resume(domain: string, principal: string): Promise<SendingDomainView> {
    await this.database.transaction(async (transaction) => {
      const row = await this.domains.lock(transaction, domain);
      if (row === null) throw unknownDomain();
      await this.domains.resume(transaction, row.id);
      if (row.state === 'paused') await this.hooks.resume(transaction);
      const detail = { state: row.state, reason: row.reason };
      await this.audit.write(transaction, { principal, action: 'sending_domain.resume', subject: domain, detail });
    });
    const row = await this.domains.find(domain);
    if (row === null) throw unknownDomain();
    return this.toView(row, await this.countsOf([row]));
  }

  private countsOf(rows: readonly SendingDomainRow[]): Promise<readonly AccountCounts[]> {
    const names = rows.map(({ domain }) => domain);
    return this.domains.countsOf(this.database, names, this.config.sendingGuard.windowMs);
  }

  private toView(row: SendingDomainRow, counts: readonly AccountCounts[]): SendingDomainView {
    const { windowMs, volumeMin } = this.config.sendingGuard;
    const own = counts.filter(({ domain }) => domain === row.domain);
    const total = totalOf(own);
    const { complaintRate, bounceRate } = judgeSending(total, volumeMin);
    return {
      id: row.id,
      domain: row.domain,
      state: row.state,
      reason: row.reason,
      since: new Date(row.since).toISOString(),
      window_hours: windowMs / HOUR_MS,
      volume_min: volumeMin,
      ...total,
      complaint_rate: complaintRate,
      bounce_rate: bounceRate,
      accounts: own.map(({ provider, taken, bounced, complained }) => ({ provider, taken, bounced, complained })),
    };
  }
}

const unknownDomain = (): NotFoundException =>
  new NotFoundException({ code: 'SENDING_DOMAIN_UNKNOWN', detail: 'nothing was sent from this domain' });
