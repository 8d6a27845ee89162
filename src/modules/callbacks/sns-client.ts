import { Inject, Injectable } from '@nestjs/common';
import { HOUR_MS, type InstantMs } from '../../core/kernel/instant.js';
import { Clock } from '../../platform/clock/clock.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { get } from '../../platform/outbound/get.js';

const MS_MAX = 5_000;
const BYTES_MAX = 65_536;
const CERTIFICATES_MAX = 16;
const KEPT_MS = HOUR_MS;

interface Kept {
  readonly pem: string;
  readonly until: InstantMs;
}

/** What is to be fetched from Amazon SNS itself. Whoever calls has made sure that the address is one of it. */
@Injectable()
export class SnsClient {
  private readonly certificates = new Map<string, Kept>();

  constructor(
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'auth'>,
  ) {}

  /**
   * A certificate in PEM; the last few are kept for an hour.
   *
   * @throws Error when it cannot be had now
   */
  async certificate(url: string): Promise<string> {
    const now = this.clock.now();
    const kept = this.certificates.get(url);
    if (kept !== undefined && now < kept.until) return kept.pem;
    const pem = await this.fetch(url);
    const [oldest] = this.certificates.keys();
    if (this.certificates.size >= CERTIFICATES_MAX && oldest !== undefined) this.certificates.delete(oldest);
    this.certificates.set(url, { pem, until: now + KEPT_MS });
    return pem;
  }

  /**
   * Says yes to a subscription.
   *
   * @throws Error when Amazon did not take it
   */
  async confirm(url: string): Promise<void> {
    await this.fetch(url);
  }

  private async fetch(url: string): Promise<string> {
    const { status, body } = await get({
      url,
      msMax: MS_MAX,
      answerBytesMax: BYTES_MAX,
      // Amazon is never on this machine; what stands in for it, on one's own machine, is.
      isPrivateAllowed: this.config.auth.mode === 'none',
    });
    if (status !== 200 || body === null) throw new Error(`${new URL(url).host} answered ${status}`);
    return body;
  }
}
