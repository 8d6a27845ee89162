import { Inject, Injectable, NotFoundException, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../../../platform/clock/clock.js';
import { Stopwatch } from '../../../platform/clock/stopwatch.js';
import { CONFIG } from '../../../platform/config/config.module.js';
import type { Config } from '../../../platform/config/config.js';
import { Database } from '../../../platform/database/database.js';
import { Exchanges } from '../../../platform/outbound/exchange.js';
import { ForbiddenAddressError } from '../../../platform/outbound/guarded-request.js';
import { AuditLog } from '../../access/index.js';
import { ProviderAccounts, type ProviderAccount } from '../../providers/index.js';
import { parsed } from '../http/exchange-result.js';
import { Vapid } from '../push/vapid.js';
import { ACCOUNT_CHECKS, findingOf, type AccountCheck } from './account-checks.js';
import { checkFcm } from './check-fcm.js';
import { checkMailServer } from './check-mail-server.js';
import { UNCLEAR, type Checked } from './checked.js';
import type { ProviderCheckView } from './provider-checks.dto.js';

const LIMITS = { msMax: 10_000, answerBytesMax: 200_000 } as const;
const SAID_CHARACTERS_MAX = 300;
/** Shorter ones may stand in any text by chance. */
const SECRET_CHARACTERS_MIN = 4;
const MAIL_SERVER = 'smtp';

/** Asks providers whether they know our accounts. Nothing is sent by it. */
@Injectable()
export class ProviderChecks implements OnApplicationShutdown {
  private readonly exchanges: Exchanges;

  constructor(
    private readonly database: Database,
    private readonly accounts: ProviderAccounts,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'auth' | 'email'>,
  ) {
    this.exchanges = new Exchanges(config.auth.mode === 'none');
  }

  /** Takes half a minute at most. @throws NotFoundException PROVIDER_UNKNOWN */
  async check(key: string, principal: string): Promise<ProviderCheckView> {
    const account = await this.accounts.find(key);
    if (account === null && key !== MAIL_SERVER) {
      throw new NotFoundException({ code: 'PROVIDER_UNKNOWN', detail: 'there is no such provider' });
    }
    const stopwatch = new Stopwatch();
    const checked = account === null ? await checkMailServer(this.config.email.smtpUrl) : await this.ask(account);
    const durationMs = Math.round(stopwatch.elapsedMs());
    const { outcome } = checked;
    await this.database.transaction((transaction) =>
      this.audit.write(transaction, { principal, action: 'provider.check', subject: key, detail: { outcome } }),
    );
    const kind = account?.kind ?? MAIL_SERVER;
    const secrets = account === null ? secretsOf(this.config.email.smtpUrl) : Object.values(account.credentials);
    const said = checked.said === null ? null : toldOf(checked.said, secrets);
    return { provider: key, kind, ...checked, said, duration_ms: durationMs };
  }

  onApplicationShutdown(): void {
    this.exchanges.close();
  }

  private async ask(account: ProviderAccount): Promise<Checked> {
    const check = ACCOUNT_CHECKS[account.kind];
    if (check !== undefined) return this.askBy(check, account);
    if (account.kind === 'fcm') return checkFcm(this.exchanges, account, this.clock);
    if (account.kind === 'webpush') return this.compareKeys(account);
    return { ...UNCLEAR, because: 'nothing is sent with it, and there is nobody to ask' };
  }

  private async askBy(check: AccountCheck, account: ProviderAccount): Promise<Checked> {
    try {
      const question = check.question(account, this.clock.now());
      const { status, headers, body } = await this.exchanges.get({ ...question, ...LIMITS });
      const finding = findingOf(check, { status, headers, json: parsed(body) });
      // What a success says of an account may hold its secrets, also such as we do not know.
      return { ...finding, status, said: status >= 400 ? body : null };
    } catch (error) {
      if (error instanceof ForbiddenAddressError) return { ...UNCLEAR, because: 'the address is not allowed' };
      const { code } = error as { readonly code?: unknown };
      return { ...UNCLEAR, because: typeof code === 'string' ? code : 'no answer' };
    }
  }

  /** A push service knows nobody: it is enough that the keys belong together. */
  private compareKeys({ settings, credentials }: ProviderAccount): Checked {
    const { subject = '', public_key: publicKey = '' } = settings;
    try {
      const vapid = new Vapid({ subject, publicKey, privateKey: credentials['private_key'] ?? '' }, this.clock);
      vapid.headerFor('https://push.example');
      return { outcome: 'ok', because: null, status: null, said: null };
    } catch {
      return { outcome: 'refused', because: 'the keys do not belong together', status: null, said: null };
    }
  }
}

/** The beginning of a text in one line, without what must not be told. */
function toldOf(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length >= SECRET_CHARACTERS_MIN);
  const told = known.reduce((rest, secret) => rest.replaceAll(secret, '…'), text);
  return told.replace(/\s+/g, ' ').trim().slice(0, SAID_CHARACTERS_MAX);
}

function secretsOf(url: string): readonly string[] {
  const { password } = new URL(url);
  return [password, decodeURIComponent(password)];
}
