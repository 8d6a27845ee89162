import { randomBytes } from 'node:crypto';
import { BadRequestException, ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { Database, violatedUnique, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { CHANNELS_OF_KIND } from './provider-account.js';
import { ProviderAccounts } from './provider-accounts.js';
import { ProviderAccountsRepository, type ProviderAccountRow } from './provider-accounts.repository.js';
import { faultsOfFields, type NewProvider, type ProviderInput, type ProviderView } from './providers.dto.js';
import { toProviderView } from './providers.mapper.js';

const PATH_TOKEN_BYTES = 24;

/** The accounts with which messages go out, as operators keep them. */
@Injectable()
export class ProvidersService {
  constructor(
    private readonly database: Database,
    private readonly repository: ProviderAccountsRepository,
    private readonly accounts: ProviderAccounts,
    private readonly audit: AuditLog,
  ) {}

  /** @throws ConflictException PROVIDER_KEY_TAKEN */
  async create(input: NewProvider, principal: string): Promise<ProviderView> {
    const { key, kind, channel = CHANNELS_OF_KIND[kind][0] ?? '', settings, priority } = input;
    const account = { key, kind, channel, settings, priority, pathToken: newToken() };
    const terms = { perSecond: input.per_second, cost: input.cost };
    try {
      return await this.database.transaction(async (transaction) => {
        const row = await this.repository.insert(transaction, {
          ...account,
          ...terms,
          ...this.sealed(key, input.credentials),
        });
        await this.write(transaction, 'create', row, principal);
        return this.view(row);
      });
    } catch (error) {
      if (violatedUnique(error) === null) throw error;
      const detail = 'a provider with this key exists';
      throw new ConflictException({ code: 'PROVIDER_KEY_TAKEN', detail }, { cause: error });
    }
  }

  /**
   * Replaces the settings, and those credentials that are named.
   *
   * @throws NotFoundException PROVIDER_UNKNOWN, BadRequestException for what the kind does not know or lacks
   */
  replace(key: string, input: ProviderInput, principal: string): Promise<ProviderView> {
    return this.change(key, { action: 'change', principal }, async (transaction, row) => {
      const { settings, priority, per_second: perSecond, cost } = input;
      const credentials = { ...this.accounts.open(row).credentials, ...input.credentials };
      const [fault] = faultsOfFields(row.kind, { settings, credentials }, true);
      if (fault !== undefined) throw invalid(fault.path.join('.'), fault.message);
      return this.repository.update(transaction, key, {
        ...{ settings, priority, perSecond, cost },
        ...this.sealed(key, credentials),
      });
    });
  }

  /** Nothing more goes out with it until it is resumed; its callbacks are taken. @throws NotFoundException PROVIDER_UNKNOWN */
  pause(key: string, principal: string): Promise<ProviderView> {
    return this.change(key, { action: 'pause', principal }, (transaction) =>
      this.repository.setState(transaction, key, 'paused'),
    );
  }

  /** @throws NotFoundException PROVIDER_UNKNOWN */
  resume(key: string, principal: string): Promise<ProviderView> {
    return this.change(key, { action: 'resume', principal }, (transaction) =>
      this.repository.setState(transaction, key, 'active'),
    );
  }

  /** Gives its callbacks another address; the one so far answers 404 from now on. @throws NotFoundException PROVIDER_UNKNOWN */
  rotate(key: string, principal: string): Promise<ProviderView> {
    return this.change(key, { action: 'rotate', principal }, (transaction) =>
      this.repository.setPathToken(transaction, key, newToken()),
    );
  }

  /** @throws NotFoundException PROVIDER_UNKNOWN */
  async remove(key: string, principal: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      if (!(await this.repository.remove(transaction, key))) throw unknownProvider();
      await this.audit.write(transaction, { principal, action: 'provider.remove', subject: key });
    });
  }

  /** @throws NotFoundException PROVIDER_UNKNOWN */
  async find(key: string): Promise<ProviderView> {
    const row = await this.repository.find(key);
    if (row === null) throw unknownProvider();
    return this.view(row);
  }

  async list(filter: { readonly channel: string | null }, page: PageRequest): Promise<Page<ProviderView>> {
    const rows = await this.repository.list(filter, { ...page, limit: page.limit + 1 });
    return toPage(
      rows,
      page,
      ({ id }) => id,
      (row) => this.view(row),
    );
  }

  private change(
    key: string,
    { action, principal }: { readonly action: string; readonly principal: string },
    act: (transaction: Transaction, row: ProviderAccountRow) => Promise<ProviderAccountRow>,
  ): Promise<ProviderView> {
    return this.database.transaction(async (transaction) => {
      const row = await this.repository.lock(transaction, key);
      if (row === null) throw unknownProvider();
      const changed = await act(transaction, row);
      await this.write(transaction, action, changed, principal);
      return this.view(changed);
    });
  }

  private write(
    transaction: Transaction,
    action: string,
    { key, kind, channel }: ProviderAccountRow,
    principal: string,
  ): Promise<void> {
    return this.audit.write(transaction, {
      principal,
      action: `provider.${action}`,
      subject: key,
      detail: { kind, channel },
    });
  }

  private sealed(
    key: string,
    credentials: Readonly<Record<string, string>>,
  ): Pick<ProviderAccountRow, 'credentials' | 'credentialNames'> {
    return { credentials: this.accounts.seal(key, credentials), credentialNames: Object.keys(credentials).sort() };
  }

  private view(row: ProviderAccountRow): ProviderView {
    return toProviderView(row, this.accounts.callbackUrl(row));
  }
}

const newToken = (): string => randomBytes(PATH_TOKEN_BYTES).toString('base64url');

const unknownProvider = (): NotFoundException =>
  new NotFoundException({ code: 'PROVIDER_UNKNOWN', detail: 'there is no such provider' });

const invalid = (path: string, message: string): BadRequestException =>
  new BadRequestException({ code: 'INVALID_INPUT', detail: `${path}: ${message}`, errors: [{ path, message }] });
