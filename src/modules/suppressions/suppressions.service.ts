import {
  ConflictException,
  Injectable,
  NotFoundException,
  UnprocessableEntityException,
  type OnModuleInit,
} from '@nestjs/common';
import { AddressHasher } from '../../platform/address/address-hash.js';
import { Database, type Queryable, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { RunSignals } from '../journeys/index.js';
import { UserHooks, UsersService, type Erasure } from '../users/index.js';
import type { ExportQuery, NewSuppression, SuppressionFilter, SuppressionView } from './suppressions.dto.js';
import { channelOf } from './channel-of.js';
import { suppressionsOfPerson, type PersonSuppressions } from './suppressions-of-person.js';
import { toSuppressionView } from './suppressions.mapper.js';
import {
  SuppressionsRepository,
  type NewSuppressionRow,
  type SuppressionQuery,
  type SuppressionTarget,
} from './suppressions.repository.js';

/** A suppression that another feature makes because of what it heard. */
export type HeardSuppression = Omit<NewSuppressionRow, 'since'>;

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
   * @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED; UnprocessableEntityException SUPPRESSION_OVER
   *   when it would end before it begins
   */
  async add(input: NewSuppression, principal: string): Promise<SuppressionView> {
    const target = await this.targetOf(input);
    const { channel, purpose, reason, source, until } = input;
    const row = await this.database.transaction(async (transaction) => {
      if (until !== null && until <= (await this.suppressions.now(transaction))) throw overAtBirth();
      await this.lockConcerned(transaction, target);
      const suppression = { ...target, channel, purpose, reason, source, since: null, until };
      const added = await this.suppressions.put(transaction, suppression);
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

  /**
   * Makes a suppression in the caller's transaction, which holds the locks of everybody concerned (`concernedBy`), and
   * makes their waiting runs ask again. Call `RunSignals.kick` after the commit.
   */
  async suppress(transaction: Transaction, suppression: HeardSuppression): Promise<void> {
    const changed = await this.suppressions.putMany(transaction, [{ ...suppression, since: null }]);
    if (changed.length > 0) await this.wakeConcerned(transaction, changed);
  }

  /**
   * Lifts what the person has lifted by their own word, in the caller's transaction, which holds the locks of everybody
   * concerned. Call `RunSignals.kick` after the commit.
   *
   * @returns whether anything was in force until now
   */
  async lift(
    transaction: Transaction,
    scope: { readonly addressHash: string; readonly channel: string; readonly reason: 'stop' },
  ): Promise<boolean> {
    const lifted = await this.suppressions.liftOf(transaction, scope);
    if (lifted.length > 0) await this.wakeConcerned(transaction, [{ addressHash: scope.addressHash, userId: null }]);
    return lifted.length > 0;
  }

  /** What may keep messages from a person now, also what is limited to a channel, a purpose or a time. */
  ofPerson(userId: string, queryable: Queryable = this.database): Promise<PersonSuppressions> {
    return suppressionsOfPerson(queryable, userId);
  }

  /**
   * Lifts suppressions that came of the person's own unsubscribing and that they have undone by their own word, in the
   * caller's transaction, which holds the person's lock. Call `RunSignals.kick` after the commit.
   *
   * @param person.ids of the person alone: of no address that somebody else has too
   */
  async liftUnsubscribed(
    transaction: Transaction,
    person: { readonly userId: string; readonly ids: readonly string[]; readonly principal: string },
  ): Promise<void> {
    if (person.ids.length === 0) return;
    const lifted = await this.suppressions.liftUnsubscribed(transaction, person.ids);
    for (const subject of lifted) {
      const entry = { principal: person.principal, action: 'suppression.remove', subject };
      await this.audit.write(transaction, { ...entry, detail: { reason: 'unsubscribe' } });
    }
    if (lifted.length > 0) await this.signals.wake(transaction, [person.userId], 'suppression_changed');
  }

  /** Everybody whose locks a suppression of this target needs. */
  async concernedBy(queryable: Queryable, { addressHash, userId }: SuppressionTarget): Promise<readonly string[]> {
    const ofAddress = addressHash === null ? [] : await this.users.idsWithAddressHashes(queryable, [addressHash]);
    return [...new Set([...ofAddress, ...(userId === null ? [] : [userId])])];
  }

  /** Newest first. */
  async list(filter: SuppressionFilter, page: PageRequest): Promise<Page<SuppressionView>> {
    const query = await this.toQuery(filter);
    const rows = await this.suppressions.list(query, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toSuppressionView);
  }

  /** What the filter of a request asks the table for. @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED */
  async toQuery(filter: Omit<ExportQuery, 'format'> & { readonly lifted?: boolean }): Promise<SuppressionQuery> {
    const { address, user_id, reason, channel, purpose, since, lifted } = filter;
    return {
      addressHash: address === undefined ? null : this.hasher.hash(channelOf(address), address),
      userId: user_id === undefined ? null : await this.users.resolve(user_id),
      reason: reason ?? null,
      channel: channel ?? null,
      purpose: purpose ?? null,
      since: since ?? null,
      isLifted: lifted ?? false,
    };
  }

  /**
   * Lifts a suppression, with the next check. That it was in force until now stays known.
   *
   * @throws NotFoundException SUPPRESSION_UNKNOWN
   * @throws ConflictException ERASURE_IS_FINAL: who was erased must not come back with the next import
   */
  async remove(id: string, principal: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const row = await this.suppressions.find(id, transaction);
      if (row === null) throw unknownSuppression();
      if (row.reason === 'erasure') {
        throw new ConflictException({ code: 'ERASURE_IS_FINAL', detail: 'the suppression of an erased person stays' });
      }
      await this.lockConcerned(transaction, row);
      // Read before the lock: somebody else may have been faster.
      if (!(await this.suppressions.lift(transaction, id))) throw unknownSuppression();
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
  private async lockConcerned(transaction: Transaction, target: SuppressionTarget): Promise<void> {
    const ids = await this.concernedBy(transaction, target);
    if (ids.length === 0) return;
    await this.users.lock(transaction, ids);
    await this.signals.wake(transaction, ids, 'suppression_changed');
  }

  /** Makes the waiting runs of everybody whom these suppressions concern ask again. */
  async wakeConcerned(transaction: Transaction, changed: readonly SuppressionTarget[]): Promise<void> {
    const hashes = changed.flatMap(({ addressHash }) => addressHash ?? []);
    const ids = new Set(changed.flatMap(({ userId }) => userId ?? []));
    for (const id of await this.users.idsWithAddressHashes(transaction, hashes)) ids.add(id);
    if (ids.size > 0) await this.signals.wake(transaction, [...ids], 'suppression_changed');
  }

  private async suppressErased(transaction: Transaction, { addresses }: Erasure): Promise<void> {
    for (const { channel, address } of addresses) {
      const addressHash = this.hasher.hash(channel, address);
      const scope = { channel: null, purpose: null, since: null, until: null };
      const why = { reason: 'erasure', source: 'erasure' } as const;
      await this.suppressions.put(transaction, { addressHash, userId: null, ...scope, ...why });
    }
  }
}

function overAtBirth(): UnprocessableEntityException {
  const errors = [{ path: 'until', message: 'an instant in the future' }];
  const detail = 'the suppression would be over before it begins';
  return new UnprocessableEntityException({ code: 'SUPPRESSION_OVER', detail, errors });
}

const unknownSuppression = (): NotFoundException =>
  new NotFoundException({ code: 'SUPPRESSION_UNKNOWN', detail: 'there is no such suppression' });
