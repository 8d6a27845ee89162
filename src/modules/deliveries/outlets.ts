import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Semaphore } from '../../platform/concurrency/semaphore.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Exchanges } from '../../platform/outbound/exchange.js';
import { ProviderAccounts, type ProviderAccount } from '../providers/index.js';
import { Circuit } from './circuit.js';
import type { Connector, ProviderLine } from './connector.js';
import { EmailConnector } from './email.connector.js';
import { HttpConnector, isHttpKind } from './http/http.connector.js';

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
  private readonly known = new Map<string, { readonly updatedAt: number; readonly outlet: Outlet }>();

  constructor(
    private readonly accounts: ProviderAccounts,
    email: EmailConnector,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.exchanges = new Exchanges(config.auth.mode === 'none');
    this.builtIn = outletOf(email);
  }

  /**
   * The first one that is not resting and not among `without`. The mail server of `SMTP_URL` carries e-mail as long as no
   * account for e-mail is registered.
   *
   * @returns null when nobody takes messages of the channel now
   */
  async choose(channel: string, without: ReadonlySet<string>): Promise<Outlet | null> {
    const outlets = await this.of(channel);
    return outlets.find(({ connector, circuit }) => !without.has(connector.provider) && circuit.isClosed) ?? null;
  }

  onApplicationShutdown(): void {
    this.exchanges.close();
  }

  private async of(channel: string): Promise<readonly Outlet[]> {
    const accounts = await this.accounts.of(channel);
    const senders = accounts.filter(({ kind }) => isHttpKind(kind));
    const active = senders.filter(({ state }) => state === 'active').map((account) => this.outletOf(account));
    return channel === 'email' && senders.length === 0 ? [this.builtIn] : active;
  }

  /** The same one as before as long as the account is the same, so that places and health are kept. */
  private outletOf(account: ProviderAccount): Outlet {
    const known = this.known.get(account.id);
    if (known?.updatedAt === account.updatedAt) return known.outlet;
    const { from, domain } = this.config.email;
    const callbackUrl = this.accounts.callbackUrl(account);
    const { id: accountId, perSecond } = account;
    const limit = perSecond === null ? null : { accountId, perSecond };
    const outlet = outletOf(new HttpConnector(this.exchanges, { account, from, domain, callbackUrl }), limit);
    this.known.set(account.id, { updatedAt: account.updatedAt, outlet });
    return outlet;
  }
}

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
