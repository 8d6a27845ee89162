import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { Database, type Transaction } from '../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { AuditLog } from '../access/index.js';
import type { NewPolicy, PolicyDefinition, PolicyView } from './policies.dto.js';
import { toPolicyView } from './policies.mapper.js';
import { PoliciesRepository, type PolicyRow } from './policies.repository.js';

/** Caps and quiet hours: immutable versions under a key, of which at most one is in force. */
@Injectable()
export class PoliciesService {
  constructor(
    private readonly database: Database,
    private readonly policies: PoliciesRepository,
    private readonly audit: AuditLog,
  ) {}

  /** @throws ConflictException POLICY_KEY_TAKEN */
  async create({ key, definition }: NewPolicy, principal: string): Promise<PolicyView> {
    return this.locked(key, async (transaction, last) => {
      if (last !== null)
        throw new ConflictException({ code: 'POLICY_KEY_TAKEN', detail: 'a policy with this key exists' });
      return this.add(transaction, { key, version: 1, definition, principal });
    });
  }

  /** Puts the next version in force; also brings a deactivated policy back. @throws NotFoundException POLICY_UNKNOWN */
  async change(key: string, definition: PolicyDefinition, principal: string): Promise<PolicyView> {
    return this.locked(key, async (transaction, last) => {
      if (last === null) throw unknownPolicy();
      await this.policies.deactivate(transaction, key);
      return this.add(transaction, { key, version: last.version + 1, definition, principal });
    });
  }

  /** Takes a policy out of force; its versions stay for the record. @throws NotFoundException POLICY_UNKNOWN */
  async deactivate(key: string, principal: string): Promise<void> {
    await this.locked(key, async (transaction, last) => {
      if (last === null) throw unknownPolicy();
      await this.policies.deactivate(transaction, key);
      await this.audit.write(transaction, { principal, action: 'policy.deactivate', subject: key });
    });
  }

  async find(key: string): Promise<PolicyView> {
    const row = await this.policies.findLast(key);
    if (row === null) throw unknownPolicy();
    return toPolicyView(row);
  }

  async list(page: PageRequest): Promise<Page<PolicyView>> {
    const rows = await this.policies.list({ ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toPolicyView);
  }

  async versions(key: string, page: PageRequest): Promise<Page<PolicyView>> {
    await this.find(key);
    const rows = await this.policies.versions(key, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toPolicyView);
  }

  private locked<T>(key: string, work: (transaction: Transaction, last: PolicyRow | null) => Promise<T>): Promise<T> {
    return this.database.transaction(async (transaction) => {
      await this.policies.lockKey(transaction, key);
      return work(transaction, await this.policies.findLast(key, transaction));
    });
  }

  private async add(
    transaction: Transaction,
    version: { key: string; version: number; definition: PolicyDefinition; principal: string },
  ): Promise<PolicyView> {
    const row = await this.policies.insert(transaction, version);
    const detail = { version: row.version, definition: row.definition };
    const { principal, key } = version;
    await this.audit.write(transaction, { principal, action: 'policy.write', subject: key, detail });
    return toPolicyView(row);
  }
}

const unknownPolicy = (): NotFoundException =>
  new NotFoundException({ code: 'POLICY_UNKNOWN', detail: 'there is no such policy' });
