import { ConflictException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database, violatedUnique, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import { mayBeLooser } from './may-be-looser.js';
import type {
  NewPolicy,
  PolicyDefinition,
  PolicyKind,
  PolicyView,
  WakeView,
  WrittenPolicyView,
} from './policies.dto.js';
import { toPolicyView, toWakeView } from './policies.mapper.js';
import { PoliciesRepository, type PolicyRow } from './policies.repository.js';
import { PolicyReferences } from './policy-references.js';
import { PolicyWaker } from './policy-waker.js';
import { PolicyWakesRepository } from './policy-wakes.repository.js';
import { readDefinition } from './read-definition.js';

const ONE_OF_A_KIND = 'policies_single';

/** One version of a policy, and what was in force before it. */
interface NewVersion {
  readonly key: string;
  readonly version: number;
  readonly definition: PolicyDefinition;
  readonly principal: string;
  readonly before: PolicyDefinition | null;
  /** Where the definition stands in the request. */
  readonly at: string;
}

/** Rules that operators set: immutable versions under a key, of which at most one is in force. */
@Injectable()
export class PoliciesService {
  constructor(
    private readonly database: Database,
    private readonly policies: PoliciesRepository,
    private readonly references: PolicyReferences,
    private readonly wakes: PolicyWakesRepository,
    private readonly waker: PolicyWaker,
    private readonly audit: AuditLog,
    @Inject(CONFIG) private readonly config: Pick<Config, 'policies'>,
  ) {}

  /**
   * @throws ConflictException POLICY_KEY_TAKEN, POLICY_KIND_TAKEN; UnprocessableEntityException UNKNOWN_REFERENCE for a
   *   journey that does not exist
   */
  async create({ key, definition }: NewPolicy, principal: string): Promise<WrittenPolicyView> {
    return this.locked(key, async (transaction, last) => {
      if (last !== null)
        throw new ConflictException({ code: 'POLICY_KEY_TAKEN', detail: 'a policy with this key exists' });
      return this.add(transaction, { key, version: 1, definition, principal, before: null, at: 'definition.' });
    });
  }

  /**
   * Puts the next version in force; also brings a deactivated policy back. Binds every claim that begins afterwards; if
   * it may be looser, runs that wait are woken little by little.
   *
   * @throws NotFoundException POLICY_UNKNOWN, ConflictException POLICY_KIND_TAKEN, UnprocessableEntityException
   *   UNKNOWN_REFERENCE
   */
  async change(key: string, definition: PolicyDefinition, principal: string): Promise<WrittenPolicyView> {
    return this.locked(key, async (transaction, last) => {
      if (last === null) throw unknownPolicy();
      await this.policies.deactivate(transaction, key);
      const version = last.version + 1;
      return this.add(transaction, { key, version, definition, principal, before: inForce(last), at: '' });
    });
  }

  /** Takes a policy out of force; its versions stay for the record. @throws NotFoundException POLICY_UNKNOWN */
  async deactivate(key: string, principal: string): Promise<void> {
    await this.locked(key, async (transaction, last) => {
      if (last === null) throw unknownPolicy();
      await this.policies.deactivate(transaction, key);
      await this.audit.write(transaction, { principal, action: 'policy.deactivate', subject: key });
      if (mayBeLooser(inForce(last), null)) await this.wake(transaction, key, 'policy_lifted');
    });
  }

  async find(key: string): Promise<PolicyView> {
    const row = await this.policies.findLast(key);
    if (row === null) throw unknownPolicy();
    return toPolicyView(row);
  }

  async list(filter: { isActive: boolean; kind: PolicyKind | null }, page: PageRequest): Promise<Page<PolicyView>> {
    const rows = await this.policies.list(filter, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toPolicyView);
  }

  async versions(key: string, page: PageRequest): Promise<Page<PolicyView>> {
    await this.find(key);
    const rows = await this.policies.versions(key, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toPolicyView);
  }

  /** How far the waking of runs after looser policies has come. */
  async listWakes(page: PageRequest): Promise<Page<WakeView>> {
    const rows = await this.wakes.list({ ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toWakeView);
  }

  /** @throws NotFoundException WAKE_UNKNOWN */
  async findWake(id: string): Promise<WakeView> {
    const row = await this.wakes.find(id);
    if (row === null) throw new NotFoundException({ code: 'WAKE_UNKNOWN', detail: 'there is no such wake' });
    return toWakeView(row);
  }

  private async locked<T>(
    key: string,
    work: (transaction: Transaction, last: PolicyRow | null) => Promise<T>,
  ): Promise<T> {
    try {
      const result = await this.database.transaction(async (transaction) => {
        await this.policies.lockKey(transaction, key);
        return work(transaction, await this.policies.findLast(key, transaction));
      });
      this.waker.kick();
      return result;
    } catch (error) {
      if (violatedUnique(error) !== ONE_OF_A_KIND) throw error;
      const detail = 'another policy of this kind is in force, and there may be only one: change that one';
      throw new ConflictException({ code: 'POLICY_KIND_TAKEN', detail }, { cause: error });
    }
  }

  private async add(
    transaction: Transaction,
    { before, principal, at, ...version }: NewVersion,
  ): Promise<WrittenPolicyView> {
    const warnings = await this.references.check(transaction, version.definition, at);
    const row = await this.policies.insert(transaction, version);
    const detail = { version: row.version, definition: row.definition };
    await this.audit.write(transaction, { principal, action: 'policy.write', subject: version.key, detail });
    if (mayBeLooser(before, version.definition)) await this.wake(transaction, version.key, 'policy_changed');
    return { ...toPolicyView(row), warnings: [...warnings] };
  }

  private async wake(transaction: Transaction, policyKey: string, because: string): Promise<void> {
    const { wakesPerSecond: perSecond } = this.config.policies;
    await this.wakes.start(transaction, { policyKey, because, perSecond });
  }
}

/** What the last version says while it holds, with the defaults of fields that were not there when it was written. */
const inForce = ({ isActive, definition }: PolicyRow): PolicyDefinition | null =>
  isActive ? readDefinition(definition) : null;

const unknownPolicy = (): NotFoundException =>
  new NotFoundException({ code: 'POLICY_UNKNOWN', detail: 'there is no such policy' });
