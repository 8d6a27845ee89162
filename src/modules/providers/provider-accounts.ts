import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { SecretBox } from '../../platform/config/secret-box.js';
import { ProviderAccountsRepository, type ProviderAccountRow } from './provider-accounts.repository.js';
import type { ProviderAccount } from './provider-account.js';

/** Accounts with providers, opened for those who send with them or take their callbacks. */
@Injectable()
export class ProviderAccounts {
  private readonly box: SecretBox;

  constructor(
    private readonly accounts: ProviderAccountsRepository,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.box = new SecretBox(config.secrets, 'provider-account');
  }

  /** @returns null when there is none of this key */
  async find(key: string): Promise<ProviderAccount | null> {
    const row = await this.accounts.find(key);
    return row === null ? null : this.open(row);
  }

  /** Those of the channel, paused ones too, in the order in which they are asked. */
  async of(channel: string): Promise<readonly ProviderAccount[]> {
    const rows = await this.accounts.of(channel);
    return rows.map((row) => this.open(row));
  }

  /** Where the provider tells what became of messages. */
  callbackUrl({ key, pathToken }: Pick<ProviderAccount, 'key' | 'pathToken'>): string {
    return `${this.config.http.publicUrl}/callbacks/${key}/${pathToken}`;
  }

  /** What a row keeps under seal. */
  seal(key: string, credentials: Readonly<Record<string, string>>): string {
    return this.box.seal(JSON.stringify(credentials), key);
  }

  /** @throws Error when the secret with which it was sealed is not set any more */
  open({ credentials, ...account }: ProviderAccountRow): ProviderAccount {
    const opened: Record<string, string> = JSON.parse(this.box.open(credentials, account.key));
    return { ...account, credentials: opened };
  }
}
