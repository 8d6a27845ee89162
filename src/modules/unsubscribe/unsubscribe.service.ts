import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { ConsentsService, OptOuts } from '../consents/index.js';
import type { PageFacts } from './pages.js';
import { UnsubscribeTokens, type UnsubscribeSubject } from './unsubscribe-tokens.js';

/** One-click as the mail program does it, the button on our page, something else that posts a valid link, or a mail. */
export type UnsubscribeMethod = 'one_click' | 'form' | 'other' | 'mail';

@Injectable()
export class UnsubscribeService {
  constructor(
    private readonly tokens: UnsubscribeTokens,
    private readonly consents: ConsentsService,
    private readonly optOuts: OptOuts,
    @Inject(CONFIG) private readonly config: Pick<Config, 'company'>,
  ) {}

  /**
   * What the page about this link says; null for a link that is not ours.
   *
   * @param gpc the `Sec-GPC` header of the request, which is taken note of; it says nothing about this link
   */
  async describe(token: string, gpc: string | undefined): Promise<PageFacts | null> {
    const subject = this.tokens.read(token);
    if (subject === null) return null;
    await this.optOuts.note(gpc, [{ kind: 'id', id: subject.userId }]);
    return this.factsOf(subject);
  }

  /** Withdraws, in force for the next check. The same link again changes nothing more. Null for a link that is not ours. */
  async withdraw(token: string, method: UnsubscribeMethod, gpc?: string): Promise<PageFacts | null> {
    const subject = this.tokens.read(token);
    if (subject === null) return null;
    const { userId, purpose, channel, brand, deliveryId } = subject;
    const evidence = { delivery_id: deliveryId, method };
    await this.consents.withdraw({ userId, purpose, channel, brand, source: 'list_unsubscribe', evidence });
    await this.optOuts.note(gpc, [{ kind: 'id', id: userId }]);
    return this.factsOf(subject);
  }

  private factsOf({ purpose, channel }: UnsubscribeSubject): PageFacts {
    return { companyName: this.config.company.name, purpose, channel };
  }
}
