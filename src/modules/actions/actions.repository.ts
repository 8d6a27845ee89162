import { Injectable } from '@nestjs/common';
import type { Condition, Scalar } from '../../core/audiences/condition.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import type { PageRequest } from '../../platform/http/paging.js';

export interface ActionDefinition {
  readonly name: string;
  readonly channel: string;
  readonly template: string;
  readonly tags: readonly string[];
  readonly isActive: boolean;
  readonly issue: string | null;
  readonly group: string | null;
  readonly eligibility: Condition | null;
  readonly applicability: Condition | null;
  readonly suitability: Condition | null;
  /** ISO 8601 duration. */
  readonly ttl: string | null;
  readonly propensity: number;
  readonly contextWeight: number;
  readonly contextWeights: readonly { readonly key: string; readonly value: Scalar; readonly weight: number }[];
  readonly value: number;
  readonly leverWeight: number;
  readonly channelCost: number;
}

export interface ActionRow extends ActionDefinition {
  readonly id: string;
  readonly key: string;
  /** Grows by one with each change. */
  readonly version: number;
  readonly createdAt: InstantMs;
  readonly updatedAt: InstantMs;
}

const ROW = `id, key, version, name, channel, template, tags, is_active as "isActive", issue, action_group as "group",
  eligibility, applicability, suitability, ttl, propensity, context_weight as "contextWeight",
  context_weights as "contextWeights", value, lever_weight as "leverWeight", channel_cost as "channelCost",
  created_at as "createdAt", updated_at as "updatedAt"`;

/** The only writer of actions. */
@Injectable()
export class ActionsRepository {
  constructor(private readonly database: Database) {}

  /** @throws DatabaseError on `actions_key_key` when the key is taken */
  async insert(transaction: Transaction, key: string, action: ActionDefinition): Promise<ActionRow> {
    const [row] = await transaction.query<ActionRow>({
      text: `insert into actions (key, name, channel, template, tags, is_active, issue, action_group, eligibility,
          applicability, suitability, ttl, propensity, context_weight, context_weights, value, lever_weight,
          channel_cost)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) returning ${ROW}`,
      values: [key, ...values(action)],
    });
    if (row === undefined) throw new Error('an inserted action was not returned');
    return row;
  }

  async update(transaction: Transaction, key: string, action: ActionDefinition): Promise<ActionRow | null> {
    const [row] = await transaction.query<ActionRow>({
      text: `update actions set name = $2, channel = $3, template = $4, tags = $5, is_active = $6, issue = $7,
          action_group = $8, eligibility = $9, applicability = $10, suitability = $11, ttl = $12, propensity = $13,
          context_weight = $14, context_weights = $15, value = $16, lever_weight = $17, channel_cost = $18,
          version = version + 1, updated_at = clock_timestamp()
        where key = $1 returning ${ROW}`,
      values: [key, ...values(action)],
    });
    return row ?? null;
  }

  async remove(transaction: Transaction, key: string): Promise<boolean> {
    const rows = await transaction.query({ text: 'delete from actions where key = $1 returning id', values: [key] });
    return rows.length > 0;
  }

  async find(key: string): Promise<ActionRow | null> {
    const [row] = await this.database.query<ActionRow>({
      text: `select ${ROW} from actions where key = $1`,
      values: [key],
    });
    return row ?? null;
  }

  /** Newest first. */
  list(page: PageRequest): Promise<readonly ActionRow[]> {
    return this.database.query<ActionRow>({
      text: `select ${ROW} from actions where $1::uuid is null or id < $1 order by id desc limit $2`,
      values: [page.after, page.limit],
    });
  }

  async existing(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.database.query<{ key: string }>({
      text: 'select key from actions where key = any ($1)',
      values: [keys],
    });
    return new Set(rows.map(({ key }) => key));
  }
}

function values(action: ActionDefinition): readonly unknown[] {
  return [
    action.name,
    action.channel,
    action.template,
    action.tags,
    action.isActive,
    action.issue,
    action.group,
    jsonOrNull(action.eligibility),
    jsonOrNull(action.applicability),
    jsonOrNull(action.suitability),
    action.ttl,
    action.propensity,
    action.contextWeight,
    JSON.stringify(action.contextWeights),
    action.value,
    action.leverWeight,
    action.channelCost,
  ];
}

const jsonOrNull = (condition: Condition | null): string | null =>
  condition === null ? null : JSON.stringify(condition);
