import { Injectable } from '@nestjs/common';
import type { Condition } from '../../core/audiences/condition.js';
import type { ConsentRecord } from '../../core/consent/consent-record.js';
import type { Contact } from '../../core/fatigue/cap-rule.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { Suppression } from '../../core/suppression/suppression.js';
import type { Queryable } from '../../platform/database/database.js';

/** Which facts a decision needs. Exactly one of `templates` and `actions` is asked for; null actions mean all active ones. */
export interface FactsQuery {
  readonly userId: string;
  readonly runKey: string | null;
  readonly clockDomain: string;
  /** Virtual runs bring their own time; null lets the database's clock decide. */
  readonly now: InstantMs | null;
  readonly weighs:
    | { readonly kind: 'template'; readonly key: string }
    | { readonly kind: 'actions'; readonly keys: readonly string[] | null };
}

export interface UserFacts {
  readonly externalId: string | null;
  readonly email: string | null;
  readonly emailHash: string | null;
  readonly name: string | null;
  readonly phone: string | null;
  readonly lifecycleStage: string | null;
  readonly timezone: string | null;
  readonly locale: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly isErased: boolean;
}

export interface TemplateFacts {
  readonly key: string;
  readonly version: number;
  readonly channel: string;
  readonly purpose: string;
  readonly legalBasis: 'consent' | 'contract';
  readonly brand: string;
  readonly tags: readonly string[];
}

export interface ActionFacts {
  readonly key: string;
  readonly version: number;
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
  readonly value: number;
  readonly leverWeight: number;
  readonly channelCost: number;
}

interface PolicyFacts {
  readonly key: string;
  readonly version: number;
  readonly kind: string;
  readonly definition: unknown;
}

/** Everything that one decision rests on, read in one statement and so in one snapshot. */
export interface Facts {
  readonly now: InstantMs;
  readonly user: UserFacts | null;
  readonly isKillSwitchOn: boolean;
  readonly runState: 'active' | 'paused' | 'exited' | null;
  readonly consents: readonly ConsentRecord[];
  readonly suppressions: readonly Suppression[];
  readonly policies: readonly PolicyFacts[];
  readonly contacts: readonly Contact[];
  readonly actions: readonly ActionFacts[];
  readonly templates: readonly TemplateFacts[];
}

/** Longer than any window that a cap may have. */
const CONTACT_DAYS_READ = 32;
/** More than any cap allows: who reaches it is not decided about, because what was not read could matter. */
export const CONTACTS_READ_MAX = 2_000;

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::bigint`;
const list = (select: string): string => `coalesce((select jsonb_agg(to_jsonb(item)) from (${select}) item), '[]')`;

const FACTS = `
  with moment as (select coalesce(to_timestamp($4::float8 / 1000), clock_timestamp()) as now),
  person as (select * from users where id = $1),
  step_actions as (
    select * from actions
    where $5::text is null and (case when $6::text[] is null then is_active else key = any ($6) end)
  ),
  current_templates as (
    select distinct on (key) key, version, channel, purpose, legal_basis, brand, tags from message_templates
    where key = $5 or key in (select template from step_actions)
    order by key, version desc
  )
  select ${ms('moment.now')} as now,
    (select jsonb_build_object('externalId', external_id, 'email', email, 'emailHash', email_hash, 'name', name,
      'phone', phone, 'lifecycleStage', lifecycle_stage, 'timezone', timezone, 'locale', locale,
      'attributes', attributes, 'isErased', erased_at is not null) from person) as "user",
    (select is_kill_switch_on from controls) as "isKillSwitchOn",
    (select case when exit_requested_at is not null or ended_at is not null or has_exit_event then 'exited'
      when paused_at is not null then 'paused' else 'active' end
      from journey_entries entry, lateral (select exists (
        select from run_waits wait
        join events event on event.user_id = wait.user_id and event.event_name = wait.event_name
        where wait.run_key = entry.run_key and wait.is_exit and event.clock_domain in ('real', $3)
          and event.occurred_at > entry.entered_at and event.occurred_at <= moment.now) as has_exit_event) exits
      where entry.run_key = $2) as "runState",
    ${list(`select id, purpose, channel, brand, status, basis, ${ms('stated_at')} as "statedAt",
      ${ms('received_at')} as "receivedAt", ${ms('expires_at')} as "expiresAt"
      from consent_records where user_id = $1 and clock_domain in ('real', $3) order by id`)} as consents,
    ${list(`select id, address_hash as "addressHash", channel, reason, ${ms('since')} as since, ${ms('until')} as until
      from suppressions
      where user_id = $1 or address_hash = (select email_hash from person) order by id`)} as suppressions,
    ${list(`select key, version, kind, definition from policies where is_active order by key`)} as policies,
    ${list(`select decision_id as "decisionId", ${ms('at')} as at, channel, purpose, journey_key as "journeyKey", tags,
      action, action_group as "group", state
      from contact_ledger
      where user_id = $1 and clock_domain = $3 and state <> 'released'
        and at > moment.now - interval '${CONTACT_DAYS_READ} days'
      order by at desc, delivery_id limit ${CONTACTS_READ_MAX}`)} as contacts,
    ${list(`select key, version, channel, template, tags, is_active as "isActive", issue,
      action_group as "group", eligibility, applicability, suitability, ttl, propensity,
      context_weight as "contextWeight", value, lever_weight as "leverWeight", channel_cost as "channelCost"
      from step_actions order by key`)} as actions,
    ${list(`select key, version, channel, purpose, legal_basis as "legalBasis", brand, tags
      from current_templates order by key`)} as templates
  from moment`;

/** Reads facts from the tables of many features; writes none. */
@Injectable()
export class FactsRepository {
  /**
   * @param queryable the pool for a first opinion; for the claim a transaction that already holds the user's lock, so
   *   that this statement's snapshot and clock are both later than everything the lock's former holders wrote
   */
  async load(queryable: Queryable, query: FactsQuery): Promise<Facts> {
    const [facts] = await queryable.query<Facts>({
      name: 'facts_load',
      text: FACTS,
      values: [
        query.userId,
        query.runKey,
        query.clockDomain,
        query.now,
        query.weighs.kind === 'template' ? query.weighs.key : null,
        query.weighs.kind === 'actions' ? query.weighs.keys : null,
      ],
    });
    if (facts === undefined) throw new Error('the facts statement returned no row');
    return facts;
  }
}
