import {
  BadRequestException,
  Inject,
  Injectable,
  Logger,
  NotFoundException,
  ServiceUnavailableException,
  UnauthorizedException,
  type OnModuleInit,
} from '@nestjs/common';
import { DAY_MS } from '../../core/kernel/instant.js';
import { normalisePhone } from '../../platform/address/normalise-address.js';
import { Clock } from '../../platform/clock/clock.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Retention } from '../../platform/database/retention.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { KeywordsService } from '../consents/index.js';
import { ProviderAccounts, type ProviderAccount } from '../providers/index.js';
import { UnsubscribeMail } from '../unsubscribe/index.js';
import { CallbackApplier } from './callback-applier.js';
import type { CallbackContent, InboundText } from './callback-event.js';
import { CallbackSchemes } from './callback-schemes.js';
import type { CallbackView } from './callbacks.dto.js';
import { toCallbackView } from './callbacks.mapper.js';
import { CallbacksRepository, type CallbackFilter } from './callbacks.repository.js';
import {
  isSame,
  MalformedCallback,
  type CallbackRequest,
  type CallbackScheme,
  type Verdict,
} from './schemes/scheme.js';
import { SnsClient } from './sns-client.js';

/** What is answered to a provider. */
export interface CallbackAnswer {
  /** Whether the provider reads the answer as instructions, of which there are none. */
  readonly isTwiml: boolean;
}

/** Longer than any request with such a word is taken. */
const TOKENS_KEPT_MS = 3 * DAY_MS;

/** Takes what providers tell. */
@Injectable()
export class CallbacksService implements OnModuleInit {
  private readonly logger = new Logger(CallbacksService.name);

  constructor(
    private readonly accounts: ProviderAccounts,
    private readonly schemes: CallbackSchemes,
    private readonly callbacks: CallbacksRepository,
    private readonly applier: CallbackApplier,
    private readonly keywords: KeywordsService,
    private readonly unsubscribe: UnsubscribeMail,
    private readonly sns: SnsClient,
    private readonly clock: Clock,
    private readonly retention: Retention,
    @Inject(CONFIG) private readonly config: Pick<Config, 'logs'>,
  ) {}

  onModuleInit(): void {
    const { keptMs } = this.config.logs;
    this.retention.keep({ forMs: keptMs, purge: (before, limit) => this.callbacks.purge(before, limit) });
    this.retention.keep({ forMs: TOKENS_KEPT_MS, purge: (before, limit) => this.callbacks.purgeTokens(before, limit) });
  }

  /**
   * Stores what a request tells, once it is known to be the provider's; what follows from it follows right after. The same
   * request again changes nothing. Only what a person wrote is acted upon before the answer.
   *
   * @throws NotFoundException when there is no such address
   * @throws UnauthorizedException CALLBACK_NOT_VERIFIED
   * @throws BadRequestException CALLBACK_UNREADABLE
   */
  async receive(
    { key, token }: { readonly key: string; readonly token: string },
    request: CallbackRequest,
  ): Promise<CallbackAnswer> {
    const account = await this.accounts.find(key);
    const scheme = account === null ? null : this.schemes.of(account.kind);
    if (account === null || scheme === null || !isSame(account.pathToken, token)) {
      throw new NotFoundException({ code: 'NOT_FOUND', detail: 'there is no such address' });
    }
    const verdict = await this.verify(scheme, request, account);
    if (verdict.kind === 'refused') {
      this.logger.warn('a callback was refused', { account: key, detail: verdict.detail });
      throw new UnauthorizedException({ code: 'CALLBACK_NOT_VERIFIED', detail: verdict.detail });
    }
    const content = contentOf(scheme, request, account);
    await this.take(account, content, verdict.onceToken);
    return { isTwiml: content.kind === 'text_message' };
  }

  /** Events, newest first. */
  async list(filter: CallbackFilter, page: PageRequest): Promise<Page<CallbackView>> {
    const rows = await this.callbacks.list(filter, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toCallbackView);
  }

  private async verify(scheme: CallbackScheme, request: CallbackRequest, account: ProviderAccount): Promise<Verdict> {
    try {
      return await scheme.verify(request, account, this.clock.now());
    } catch (error) {
      this.logger.warn('a callback could not be verified', { account: account.key, error });
      const detail = 'it cannot be verified now; try again';
      throw new ServiceUnavailableException({ code: 'UNAVAILABLE', detail });
    }
  }

  private async take(account: ProviderAccount, content: CallbackContent, onceToken: string | null): Promise<void> {
    const source = { accountKey: account.key, scheme: account.kind, channel: account.channel };
    switch (content.kind) {
      case 'events': {
        const stored = await this.callbacks.store(source, content.events, { onceToken, isDone: false });
        if (stored > 0) this.applier.kick();
        return;
      }
      case 'text_message': {
        const isDone = await this.hear(content.message);
        await this.callbacks.store(source, [content.event], { onceToken, isDone });
        return;
      }
      // As with a text message: what it asks for is done before it is stored as done, and may be done twice.
      case 'mail': {
        const isDone = await this.unsubscribe.take(content.mail.subject);
        await this.callbacks.store(source, [content.event], { onceToken, isDone });
        return;
      }
      case 'confirmation':
        await this.confirm(account, content.url);
        await this.callbacks.store(source, [content.event], { onceToken, isDone: true });
        return;
    }
  }

  /**
   * Before it is stored as heard: a process that dies in between is told again, and then hears the same message once more,
   * which changes nothing.
   *
   * @returns false for what came by no telephone number, e.g. from a short code or by another service
   */
  private async hear({ messageId, from, text }: InboundText): Promise<boolean> {
    const number = normalisePhone(from);
    if (number === null) return false;
    await this.keywords.receive({ from: number, text, message_id: messageId });
    return true;
  }

  private async confirm(account: ProviderAccount, url: string): Promise<void> {
    try {
      await this.sns.confirm(url);
    } catch (error) {
      this.logger.warn('a subscription could not be confirmed', { account: account.key, error });
      throw new ServiceUnavailableException({ code: 'UNAVAILABLE', detail: 'it cannot be confirmed now; try again' });
    }
  }
}

function contentOf(scheme: CallbackScheme, request: CallbackRequest, account: ProviderAccount): CallbackContent {
  try {
    return scheme.read(request, account);
  } catch (error) {
    if (!(error instanceof MalformedCallback)) throw error;
    throw new BadRequestException({ code: 'CALLBACK_UNREADABLE', detail: error.message });
  }
}
