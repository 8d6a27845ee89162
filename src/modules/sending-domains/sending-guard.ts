import { Inject, Injectable, Logger } from '@nestjs/common';
import { judgeSending, type SendingCounts, type SendingState } from '../../core/delivery/sending-health.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { domainOfSender } from './domain-of-sender.js';
import { SendingDomainsRepository, type AccountCounts } from './sending-domains.repository.js';
import { SendingHooks } from './sending-hooks.js';

/** How the domain stands from which e-mail goes out. */
export interface Standing {
  readonly state: SendingState;
  /** Of its row; null for one of which nothing is known yet. */
  readonly id: string | null;
}

/** Watches over the name of the domain from which e-mail goes out: what comes back, and who complains. */
@Injectable()
export class SendingGuard {
  private readonly logger = new Logger(SendingGuard.name);
  private next: Promise<void> | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly domains: SendingDomainsRepository,
    private readonly hooks: SendingHooks,
    @Inject(CONFIG) private readonly config: Pick<Config, 'email' | 'sendingGuard'>,
  ) {}

  /** That of EMAIL_FROM, in lower case. */
  get domain(): string {
    return domainOfSender(this.config);
  }

  /** As the database has it now. */
  async standing(): Promise<Standing> {
    const row = await this.domains.find(this.domain);
    return { state: row?.state ?? 'active', id: row?.id ?? null };
  }

  /**
   * Judges all domains anew by what became of their mail. Whoever asks while a round waits to begin shares it, so that
   * a burst of bounces makes few rounds. Never throws: the next round comes soon.
   */
  review(): Promise<void> {
    this.next ??= this.running.then(() => {
      this.next = null;
      return this.round();
    });
    this.running = this.next;
    return this.next;
  }

  /** As `review`, and forgets what is too old to matter. */
  async tend(): Promise<void> {
    await this.review();
    await this.domains.purge();
  }

  private async round(): Promise<void> {
    try {
      await this.domains.add(this.domain);
      for (const domain of await this.domains.names()) await this.judge(domain);
    } catch (error) {
      this.logger.warn('the sending domains could not be judged; the next round tries again', { error });
    }
  }

  private judge(domain: string): Promise<void> {
    const { windowMs, volumeMin } = this.config.sendingGuard;
    return this.database.transaction(async (transaction) => {
      const row = await this.domains.lock(transaction, domain);
      if (row === null) return;
      const counts = totalOf(await this.domains.countsOf(transaction, [domain], windowMs));
      const { state, reason } = judgeSending(counts, volumeMin);
      if (state === row.state && reason === row.reason) return;
      await this.domains.setState(transaction, row.id, { state, reason });
      if (row.state === 'paused' && state !== 'paused') await this.hooks.resume(transaction);
      this.logger.warn(`marketing from ${domain} is ${state}`, { reason, ...counts });
    });
  }
}

/** Of all accounts. */
export function totalOf(counts: readonly AccountCounts[]): SendingCounts {
  const sum = (of: keyof SendingCounts): number => counts.reduce((total, each) => total + each[of], 0);
  return { taken: sum('taken'), bounced: sum('bounced'), complained: sum('complained') };
}
