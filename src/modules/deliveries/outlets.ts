import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { Semaphore } from '../../platform/concurrency/semaphore.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Exchanges } from '../../platform/outbound/exchange.js';
import { ProviderAccounts, type ProviderAccount, type ProviderKind } from '../providers/index.js';
import { Circuit } from './circuit.js';
import type { Connector, ProviderLine, Route } from './connector.js';
import { EmailConnector } from './email.connector.js';
import { HttpConnector, isHttpKind } from './http/http.connector.js';
import { InAppConnector } from './in-app/in-app.connector.js';
import { FcmConnector } from './push/fcm.connector.js';
import { WebPushConnector } from './push/web-push.connector.js';
import { WebhookConnector } from './webhook/webhook.connector.js';

const NOBODY = 'none';

/** One provider, with its places and what is known of its health. */
export interface Outlet {
  readonly connector: Connector;
  /** Null: it takes as many messages as come. */
  readonly limit: { readonly accountId: string; readonly perSecond: number } | null;
  readonly places: Semaphore;
  readonly circuit: Circuit;
}

/** Which accounts carry the messages of a channel, in the order in which they are asked. */
@Injectable()
export class Outlets implements OnApplicationShutdown {
  private readonly exchanges: Exchanges;
  private readonly builtIn: Outlet;
  /** Channels that need no account. */
  private readonly own: Readonly<Record<string, Outlet>>;
  private readonly known = new Map<string, { readonly updatedAt: number; readonly outlet: Outlet }>();

  constructor(
    private readonly accounts: ProviderAccounts,
    email: EmailConnector,
    inApp: InAppConnector,
    webhook: WebhookConnector,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.exchanges = new Exchanges(config.auth.mode === 'none');
    this.builtIn = outletOf(email);
    this.own = { in_app: outletOf(inApp), webhook: outletOf(webhook) };
  }

  /**
   * The first one that reaches the address, is not resting and not among `without`. The mail server of `SMTP_URL` carries e-mail as long as no
   * account for e-mail is registered.
   *
   * @returns null when nobody takes such messages now
   */
  async choose({ channel, address, without }: Route): Promise<Outlet | null> {
    const outlets = (await this.of(channel)).filter(({ connector }) => connector.takes?.(address) ?? true);
    return outlets.find(({ connector, circuit }) => !without.has(connector.provider) && circuit.isClosed) ?? null;
  }

  /** The account that carried a message, even if it carries none any more; null where it is gone or no HTTP API. */
  async named(key: string): Promise<Outlet | null> {
    const account = await this.accounts.find(key);
    return account !== null && isHttpKind(account.kind) ? this.outletOf(account) : null;
  }

  onApplicationShutdown(): void {
    this.exchanges.close();
  }

  private async of(channel: string): Promise<readonly Outlet[]> {
    const own = this.own[channel];
    if (own !== undefined) return [own];
    const accounts = await this.accounts.of(channel);
    const senders = accounts.filter(({ kind }) => isHttpKind(kind) || isPushKind(kind));
    const active = senders.filter(({ state }) => state === 'active').map((account) => this.outletOf(account));
    return channel === 'email' && senders.length === 0 ? [this.builtIn] : active;
  }

  /** The same one as before as long as the account is the same, so that places and health are kept. */
  private outletOf(account: ProviderAccount): Outlet {
    const known = this.known.get(account.id);
    if (known?.updatedAt === account.updatedAt) return known.outlet;
    const { id: accountId, perSecond } = account;
    const limit = perSecond === null ? null : { accountId, perSecond };
    const outlet = outletOf(this.connectorOf(account), limit);
    this.known.set(account.id, { updatedAt: account.updatedAt, outlet });
    return outlet;
  }

  private connectorOf(account: ProviderAccount): Connector {
    if (account.kind === 'fcm') return new FcmConnector(this.exchanges, account, this.clock);
    if (account.kind === 'webpush') return new WebPushConnector(this.exchanges, account, this.clock);
    const { from, domain } = this.config.email;
    const correspondence = { account, from, domain, callbackUrl: this.accounts.callbackUrl(account) };
    return new HttpConnector(this.exchanges, correspondence, this.clock);
  }
}

const isPushKind = (kind: ProviderKind): boolean => kind === 'fcm' || kind === 'webpush';

const outletOf = (connector: Connector, limit: Outlet['limit'] = null): Outlet => ({
  connector,
  limit,
  places: new Semaphore(connector.sendsAtOnceMax),
  circuit: new Circuit(),
});

/** Says of every message that nobody takes it. */
export const deadLine = (channel: string): ProviderLine => ({
  provider: NOBODY,
  send: () => Promise.resolve({ kind: 'unavailable', detail: `no provider of ${channel} takes messages now` }),
  release: () => undefined,
});
