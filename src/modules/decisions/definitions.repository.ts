import { Injectable } from '@nestjs/common';
import type { Queryable } from '../../platform/database/database.js';
import type { Definitions, StoredDefinitions } from './definitions.js';

/** More than anybody can keep in order, and still a statement of seconds. */
const ROWS_MAX = 20_000;

const list = (select: string): string => `coalesce((select json_agg(item) from (${select}) item), '[]')`;

/**
 * In the order in which accounts are asked. Which of the accounts for notifications carries one depends on the device;
 * one that only tells what became of messages carries none.
 */
const CARRIERS = `select distinct on (channel) channel, key as account, provider_accounts.cost::float8 as cost
  from provider_accounts where state = 'active' and channel <> 'push' and kind <> 'standard_webhooks'
  order by channel, priority, provider_accounts.cost nulls last, key`;

/** Of those that send; one that is paused carries nothing, and keeps the mail server of the settings out all the same. */
const SENDERS = `select distinct channel, kind, state = 'active' as "isActive"
  from provider_accounts where kind <> 'standard_webhooks' order by 1, 2, 3`;

const DEFINITIONS = `
  select definitions_version as version,
    ${list(`select key, version, definition from policies where is_active order by key limit ${ROWS_MAX + 1}`)}
      as policies,
    ${list(`select key, version, channel, template, tags, is_active as "isActive", issue, action_group as "group",
      eligibility, applicability, suitability, ttl, propensity, context_weight as "contextWeight",
      context_weights as "contextWeights", value, lever_weight as "leverWeight", channel_cost as "channelCost"
      from actions order by key limit ${ROWS_MAX + 1}`)} as actions,
    ${list(`select distinct on (key) key, version, channel, purpose, legal_basis as "legalBasis", brand, tags
      from message_templates order by key, version desc limit ${ROWS_MAX + 1}`)} as templates,
    ${list(CARRIERS)} as carriers, ${list(SENDERS)} as senders
  from controls`;

/** Reads what decisions rest on beside the person; the only writer of decision_definitions. */
@Injectable()
export class DefinitionsRepository {
  /** All of it in one snapshot, which is later than that of any statement before. */
  async load(queryable: Queryable): Promise<StoredDefinitions> {
    const [stored] = await queryable.query<StoredDefinitions>({ name: 'definitions_load', text: DEFINITIONS });
    if (stored === undefined) throw new Error('the row of controls is gone');
    for (const [kind, rows] of Object.entries(stored)) {
      // To decide on a part of the rules would open gates.
      if (Array.isArray(rows) && rows.length > ROWS_MAX) throw new Error(`more than ${ROWS_MAX} ${kind}`);
    }
    return stored;
  }

  /** Keeps the body for every record that will name it. Storing it again changes nothing. */
  async store(queryable: Queryable, { hash, body }: Pick<Definitions, 'hash' | 'body'>): Promise<void> {
    await queryable.query({
      name: 'decision_definitions_store',
      text: 'insert into decision_definitions (hash, body) values ($1, $2) on conflict (hash) do nothing',
      values: [hash, body],
    });
  }
}
