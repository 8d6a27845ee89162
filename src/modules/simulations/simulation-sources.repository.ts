import { Injectable } from '@nestjs/common';
import type { JourneyDefinition } from '../../core/journeys/definition.js';
import type { ArmMet } from '../../core/journeys/draw.js';
import type { Plan } from '../../core/journeys/plan.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';
import type { ProfileFacts } from '../users/index.js';
import type { SimulatedEvent } from './simulated-events.js';

export interface DraftRow {
  readonly id: string;
  readonly key: string;
  readonly currentVersion: number | null;
  readonly definition: JourneyDefinition;
}

export interface VersionRow {
  readonly definition: JourneyDefinition;
  readonly plan: Plan;
}

/** Which stored events a simulation may look at. */
export interface StoredEvents {
  readonly names: readonly string[];
  /** Exclusive. */
  readonly after: InstantMs;
  /** Inclusive. */
  readonly until: InstantMs;
  readonly clockDomain: string;
}

/** Which earlier runs a simulation may look at. */
export interface EarlierRuns {
  readonly journeyKey: string;
  readonly clockDomain: string;
  /** Inclusive. */
  readonly until: InstantMs;
}

/** The first ones of a user in the span; a journey reacts to a handful. */
const EVENTS_OF_A_USER_MAX = 5_000;

/** Reads what simulations begin with from tables of other features; writes none. */
@Injectable()
export class SimulationSources {
  constructor(private readonly database: Database) {}

  async draft(idOrKey: string): Promise<DraftRow | null> {
    const [row] = await this.database.query<DraftRow>({
      text: `select id, key, current_version as "currentVersion", definition from journeys
        where id::text = $1 or key = $1`,
      values: [idOrKey],
    });
    return row ?? null;
  }

  async version(journeyId: string, version: number): Promise<VersionRow | null> {
    const [row] = await this.database.query<VersionRow>({
      text: 'select definition, plan from journey_versions where journey_id = $1 and version = $2',
      values: [journeyId, version],
    });
    return row ?? null;
  }

  /** People who were not erased, by id, with what conditions on them may ask. */
  people(after: string | null, limit: number): Promise<readonly (ProfileFacts & { readonly id: string })[]> {
    return this.database.query({
      name: 'simulations_people',
      text: `select id, external_id as "externalId", email, name, phone, lifecycle_stage as "lifecycleStage", timezone,
          locale, jurisdiction, preferred_channel as "preferredChannel", attributes
        from users where erased_at is null and ($1::uuid is null or id > $1) order by id limit $2`,
      values: [after, limit],
    });
  }

  /** Ids alone, where everybody is meant. */
  async peopleIds(limit: number): Promise<readonly string[]> {
    const rows = await this.database.query<{ id: string }>({
      text: 'select id from users where erased_at is null order by id limit $1',
      values: [limit],
    });
    return rows.map(({ id }) => id);
  }

  /** By user. */
  async events(
    userIds: readonly string[],
    { names, after, until, clockDomain }: StoredEvents,
  ): Promise<ReadonlyMap<string, readonly SimulatedEvent[]>> {
    const rows = await this.database.query<SimulatedEvent & { readonly userId: string }>({
      name: 'simulations_events',
      text: `select event.user_id as "userId", event.message_id as "messageId", event.event_name as name,
          event.occurred_at as "occurredAt", event.properties
        from unnest($1::uuid[]) asked (id) cross join lateral (
          select user_id, message_id, event_name, occurred_at, properties from events
          where user_id = asked.id and event_name = any ($2) and occurred_at > to_timestamp($3::float8 / 1000)
            and occurred_at <= to_timestamp($4::float8 / 1000) and clock_domain in ('real', $5)
          order by occurred_at, message_id limit ${EVENTS_OF_A_USER_MAX}) event`,
      values: [userIds, names, after, until, clockDomain],
    });
    return Map.groupBy(rows, ({ userId }) => userId);
  }

  /**
   * By user: the arms that they met in runs of the journey and clock, the first met first, as the start of a real run
   * finds them.
   */
  async armsMet(
    userIds: readonly string[],
    { journeyKey, clockDomain, until }: EarlierRuns,
  ): Promise<ReadonlyMap<string, readonly ArmMet[]>> {
    const rows = await this.database.query<ArmMet & { readonly userId: string }>({
      name: 'simulations_arms_met',
      // A plan is read once for each of its splits, not for each user.
      text: `with met as materialized (
          select entry.user_id, exposure.id, exposure.journey_id, exposure.version, exposure.step_id, exposure.arm,
            exposure.exposed_at
          from journey_entries entry
          join journeys journey on journey.id = entry.journey_id
          join split_exposures exposure on exposure.run_key = entry.run_key
          where entry.user_id = any ($1) and journey.key = $2 and entry.clock_domain = $3
            and exposure.exposed_at <= to_timestamp($4::float8 / 1000)
        ), drawn as materialized (
          select split.*, version.plan -> 'steps' -> split.step_id ->> 'salt' as salt
          from (select distinct journey_id, version, step_id from met) split
          join journey_versions version on version.journey_id = split.journey_id and version.version = split.version
        )
        select met.user_id as "userId", met.step_id as "stepId", met.arm, drawn.salt
        from met join drawn using (journey_id, version, step_id) where drawn.salt is not null
        order by met.exposed_at, met.id`,
      values: [userIds, journeyKey, clockDomain, until],
    });
    return Map.groupBy(rows, ({ userId }) => userId);
  }
}
