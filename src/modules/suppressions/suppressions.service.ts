import { ConflictException, Injectable, NotFoundException, type OnModuleInit } from '@nestjs/common';
import { AddressHasher } from '../../platform/address/address-hash.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { RunSignals } from '../journeys/index.js';
import { UserHooks, UsersService, type Erasure } from '../users/index.js';
import type { NewSuppression, SuppressionFilter, SuppressionView } from './suppressions.dto.js';
import { toSuppressionView } from './suppressions.mapper.js';
import { SuppressionsRepository, type SuppressionTarget } from './suppressions.repository.js';

/** Channel by whose address a bare address is meant. */
const channelOf = (address: string): string => (address.includes('@') ? 'email' : 'sms');

/** Addresses and users that must not be contacted, whatever they once agreed to. */
@Injectable()
export class SuppressionsService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly suppressions: SuppressionsRepository,
    private readonly users: UsersService,
    private readonly hasher: AddressHasher,
    private readonly signals: RunSignals,
    private readonly hooks: UserHooks,
    private readonly audit: AuditLog,
  ) {}

  onModuleInit(): void {
    this.hooks.onErase((transaction, erasure) => this.suppressErased(transaction, erasure));
  }

  /**
   * Suppresses an address or a user, in force for the next check. Only a keyed hash of the address is kept.
   *
   * @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED
   */
  async add(input: NewSuppression, principal: string): Promise<SuppressionView> {
    const target = await this.targetOf(input);
    const { channel, reason, source, until } = input;
    const row = await this.database.transaction(async (transaction) => {
      await this.lockConcerned(transaction, target);
      const added = await this.suppressions.put(transaction, { ...target, channel, reason, source, until });
      await this.audit.write(transaction, {
        principal,
        action: 'suppression.add',
        subject: added.id,
        detail: { reason },
      });
      return added;
    });
    this.signals.kick();
    return toSuppressionView(row);
  }

  async list(filter: SuppressionFilter, page: PageRequest): Promise<Page<SuppressionView>> {
    const { address, user_id } = filter;
    const addressHashes = address === undefined ? null : [this.hasher.hash(channelOf(address), address)];
    const userId = user_id === undefined ? null : await this.users.resolve(user_id);
    const rows = await this.suppressions.list({ addressHashes, userId }, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toSuppressionView);
  }

  /**
   * Lifts a suppression.
   *
   * @throws NotFoundException SUPPRESSION_UNKNOWN
   * @throws ConflictException ERASURE_IS_FINAL: who was erased must not come back with the next import
   */
  async remove(id: string, principal: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const row = await this.suppressions.find(id, transaction);
      if (row === null)
        throw new NotFoundException({ code: 'SUPPRESSION_UNKNOWN', detail: 'there is no such suppression' });
      if (row.reason === 'erasure') {
        throw new ConflictException({ code: 'ERASURE_IS_FINAL', detail: 'the suppression of an erased person stays' });
      }
      await this.lockConcerned(transaction, row);
      await this.suppressions.remove(transaction, id);
      const detail = { reason: row.reason };
      await this.audit.write(transaction, { principal, action: 'suppression.remove', subject: id, detail });
    });
    this.signals.kick();
  }

  private async targetOf({ address, user_id }: NewSuppression): Promise<SuppressionTarget> {
    if (user_id !== undefined) return { addressHash: null, userId: await this.users.resolve(user_id) };
    const text = address ?? '';
    return { addressHash: this.hasher.hash(channelOf(text), text), userId: null };
  }

  /** A suppression takes the lock of everybody it concerns, so that no claim is half-way through when it comes. */
  private async lockConcerned(transaction: Transaction, { addressHash, userId }: SuppressionTarget): Promise<void> {
    const ids =
      addressHash === null
        ? [userId].filter((id) => id !== null)
        : await this.users.idsWithEmailHash(transaction, addressHash);
    if (ids.length === 0) return;
    await this.users.lock(transaction, ids);
    await this.signals.wake(transaction, ids, 'suppression_changed');
  }

  private async suppressErased(transaction: Transaction, { addresses }: Erasure): Promise<void> {
    for (const { channel, address } of addresses) {
      const addressHash = this.hasher.hash(channel, address);
      const rest = { channel: null, reason: 'erasure', source: 'erasure', until: null } as const;
      await this.suppressions.put(transaction, { addressHash, userId: null, ...rest });
    }
  }
}
