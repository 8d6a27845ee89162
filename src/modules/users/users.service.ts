import { ConflictException, GoneException, Injectable, NotFoundException } from '@nestjs/common';
import type { Scalar } from '../../core/audiences/condition.js';
import type { RunReference } from '../../core/journeys/run-reference.js';
import { setAttributes } from '../../core/users/set-attributes.js';
import { AddressHasher } from '../../platform/address/address-hash.js';
import { Database, violatedUnique, type Queryable, type Transaction } from '../../platform/database/database.js';
import { IdempotencyRepository } from '../../platform/http/idempotency.repository.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { UserHooks, type Erasure } from './user-hooks.js';
import type { UserReference } from './user-reference.js';
import { AmendedProfile } from './users.dto.js';
import type { UserBatch, UserBatchView, UserDetailView, UserInput, UserView } from './users.dto.js';
import { toProfile, toUserDetailView, toUserView } from './users.mapper.js';
import { UsersRepository, type DeviceZone, type UserRow } from './users.repository.js';

/** The people whom the company may contact. */
@Injectable()
export class UsersService {
  constructor(
    private readonly database: Database,
    private readonly users: UsersRepository,
    private readonly hooks: UserHooks,
    private readonly audit: AuditLog,
    private readonly hasher: AddressHasher,
    private readonly repeatable: IdempotencyRepository,
  ) {}

  /** @throws ConflictException EXTERNAL_ID_TAKEN */
  async create(input: UserInput): Promise<UserView> {
    return this.refuseTaken(async () => {
      const profile = this.toProfile(input);
      return toUserView(await this.database.transaction((transaction) => this.users.insert(transaction, profile)));
    });
  }

  /**
   * Replaces the whole profile. A user who is named by an external id and does not exist is made.
   *
   * @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED, ConflictException EXTERNAL_ID_TAKEN
   */
  async put(reference: UserReference, input: UserInput): Promise<{ readonly isNew: boolean; readonly user: UserView }> {
    const known = await this.users.find(reference);
    if (known === null && reference.kind === 'external') {
      const user = await this.create({ ...input, external_id: input.external_id ?? reference.externalId });
      return { isNew: true, user };
    }
    const { id } = living(known);
    const profile = this.toProfile(input);
    const row = await this.refuseTaken(() =>
      this.database.transaction(async (transaction) => {
        const replaced = await this.users.replace(transaction, id, profile);
        if (replaced === null) throw erasedUser();
        if (replaced.isChanged) await this.hooks.change(transaction, [id]);
        return replaced;
      }),
    );
    this.hooks.committed();
    return { isNew: false, user: toUserView(row) };
  }

  /** Creates or replaces many users by external id: all of them or none. */
  async putMany({ users }: UserBatch): Promise<UserBatchView> {
    const profiles = users.map((user) => this.toProfile(user));
    const written = await this.database.transaction(async (transaction) => {
      const rows = await this.users.upsert(transaction, profiles);
      const changed = rows.filter(({ isNew, isChanged }) => !isNew && isChanged).map(({ id }) => id);
      if (changed.length > 0) await this.hooks.change(transaction, changed);
      return new Map(rows.map((row) => [row.externalId, row]));
    });
    this.hooks.committed();
    const results = users.flatMap(({ external_id }) => {
      const row = written.get(external_id);
      if (row === undefined) return [];
      return [{ external_id, id: row.id, status: row.isNew ? ('created' as const) : ('updated' as const) }];
    });
    return { results };
  }

  /**
   * Sets parts of a profile for a step of a journey, in the step's own transaction. Call `committed` after the commit.
   *
   * @param amendment.set by path, see `setAttributes`
   * @returns false where that can never be: the person is gone, or the profile would be none that is accepted
   */
  async amend(
    transaction: Transaction,
    id: string,
    { set, run }: { readonly set: Readonly<Record<string, Scalar>>; readonly run: RunReference },
  ): Promise<boolean> {
    const known = await this.users.findForAmendment(transaction, id);
    const profile = known === null ? null : setAttributes(known, set);
    if (profile === null) return false;
    const { lifecycleStage, attributes } = profile;
    const accepted = AmendedProfile.safeParse({ lifecycle_stage: lifecycleStage, attributes });
    if (!accepted.success) return false;
    const amended = { lifecycleStage: accepted.data.lifecycle_stage, attributes: accepted.data.attributes };
    if (!(await this.users.amend(transaction, id, amended))) return true;
    await this.hooks.change(transaction, [id], run.runKey);
    const principal = `journey:${run.journeyKey}`;
    const detail = { run_key: run.runKey, set: Object.keys(set) };
    await this.audit.write(transaction, { principal, action: 'user.amend', subject: id, detail });
    return true;
  }

  /**
   * Keeps where a person says they would rather be reached, in a transaction that holds their lock. Call `committed` after
   * the commit.
   *
   * @param channel null: no preference
   * @param principal who tells us; the audit trail names no value, for it outlives the person's data
   * @returns whether that is something new
   */
  async prefer(transaction: Transaction, id: string, channel: string | null, principal: string): Promise<boolean> {
    if (!(await this.users.prefer(transaction, id, channel))) return false;
    await this.hooks.change(transaction, [id]);
    const detail = { set: ['preferred_channel'] };
    await this.audit.write(transaction, { principal, action: 'user.amend', subject: id, detail });
    return true;
  }

  /** To be called after the commit of what `amend` or `prefer` wrote. */
  committed(): void {
    this.hooks.committed();
  }

  /** @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED */
  async find(reference: UserReference): Promise<UserDetailView> {
    const user = living(await this.users.find(reference));
    return toUserDetailView(user, await this.users.holdOn(user.id));
  }

  async list(
    filter: { readonly email: string | null; readonly externalId: string | null },
    page: PageRequest,
  ): Promise<Page<UserView>> {
    const rows = await this.users.list(filter, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toUserView);
  }

  /** The id behind a reference. @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED */
  async resolve(reference: UserReference): Promise<string> {
    return living(await this.users.find(reference)).id;
  }

  /**
   * The ids behind many references, in their order; null where an external id is unknown. Ids are not looked up:
   * `hold` or `lock` tells which of them exist.
   */
  async resolveMany(references: readonly UserReference[]): Promise<readonly (string | null)[]> {
    const external = references.flatMap((reference) => (reference.kind === 'external' ? [reference.externalId] : []));
    const ids = external.length === 0 ? new Map<string, string>() : await this.users.idsOf([...new Set(external)]);
    return references.map((each) => (each.kind === 'id' ? each.id : (ids.get(each.externalId) ?? null)));
  }

  /** Whether there is such a user, not erased. */
  async isKnown(id: string): Promise<boolean> {
    const user = await this.users.find({ kind: 'id', id });
    return user !== null && !user.isErased;
  }

  /**
   * Those of `ids` that are known and not erased; they stay so until the transaction ends, and nobody else holds them.
   * To be called once in a transaction, and not before `lock`.
   */
  hold(transaction: Transaction, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.users.holdAlone(transaction, [...new Set(ids)]);
  }

  /** As `hold`, beside others who only want to know the same. */
  holdShared(transaction: Transaction, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.users.hold(transaction, [...new Set(ids)]);
  }

  /**
   * Takes the users' locks, which order everything that decides about contacts, then tells who of them is known and not
   * erased. Facts that depend on the lock are to be read in later statements.
   */
  async lock(transaction: Transaction, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const unique = [...new Set(ids)];
    await this.users.lock(transaction, unique);
    return this.users.hold(transaction, unique);
  }

  /**
   * As `lock`, and keeps those out, too, who `hold` the users, such as whoever stores events of them: what they wrote is
   * seen by later statements, and who comes next sees what this transaction leaves.
   */
  async lockAlone(transaction: Transaction, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const unique = [...new Set(ids)];
    await this.users.lock(transaction, unique);
    return this.users.holdAlone(transaction, unique);
  }

  /**
   * Keeps where people's devices say they are; of two words the newer one holds. Runs of those who are somewhere else now
   * ask their gates again: quiet hours may begin or end with it.
   */
  async noteDeviceZones(zones: readonly DeviceZone[]): Promise<void> {
    if (zones.length === 0) return;
    const ids = new Set(await this.users.newDeviceZones(this.database, zones));
    if (ids.size === 0) return;
    const fresh = zones.filter(({ userId }) => ids.has(userId));
    await this.database.transaction(async (transaction) => {
      const moved = await this.users.noteDeviceZones(transaction, fresh);
      if (moved.length > 0) await this.hooks.change(transaction, moved);
    });
    this.hooks.committed();
  }

  /** Users with one of these keyed hashes of their e-mail address or telephone number. */
  idsWithAddressHashes(queryable: Queryable, hashes: readonly string[]): Promise<readonly string[]> {
    return this.users.idsWithAddressHashes(queryable, hashes);
  }

  /**
   * Forgets a person in every store: personal data goes, runs end, the keyed hash of the address stays suppressed. Once
   * done it stays done: a second call changes nothing.
   *
   * @throws NotFoundException USER_UNKNOWN
   */
  async erase(reference: UserReference, principal: string): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const named = await this.users.find(reference, transaction);
      if (named === null) throw unknownUser();
      await this.users.lock(transaction, [named.id]);
      // Read again: what was read before the locks may be older than what their former holders wrote.
      const user = await this.users.findForErasure(transaction, named.id);
      if (user === null || user.isErased) return;
      await this.hooks.erase(transaction, toErasure(user));
      await this.repeatable.forget(transaction, user.id);
      await this.users.erase(transaction, user.id);
      await this.audit.write(transaction, { principal, action: 'user.erase', subject: user.id });
    });
    this.hooks.committed();
  }

  private toProfile(input: UserInput): ReturnType<typeof toProfile> {
    return toProfile(input, (channel, address) => this.hasher.hash(channel, address));
  }

  private async refuseTaken<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (violatedUnique(error) === null) throw error;
      const detail = 'another user has this external_id';
      throw new ConflictException({ code: 'EXTERNAL_ID_TAKEN', detail }, { cause: error });
    }
  }
}

const unknownUser = (): NotFoundException =>
  new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user' });

const erasedUser = (): GoneException => new GoneException({ code: 'USER_ERASED', detail: 'this user was erased' });

function living(user: UserRow | null): UserRow {
  if (user === null) throw unknownUser();
  if (user.isErased) throw erasedUser();
  return user;
}

function toErasure({ id, email, phone }: UserRow): Erasure {
  const addresses = [
    ...(email === null ? [] : [{ channel: 'email', address: email }]),
    ...(phone === null ? [] : [{ channel: 'sms', address: phone }]),
  ];
  return { userId: id, addresses };
}
