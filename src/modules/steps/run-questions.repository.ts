import { Injectable } from '@nestjs/common';
import type { ConsentRecord } from '../../core/consent/consent-record.js';
import type { RunQuestion } from '../../core/audiences/run-condition.js';
import type { StepAnswer } from '../../core/journeys/step-answer.js';
import type { DeliveryState } from '../../core/kernel/delivery-state-name.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';
import type { ProfileFacts } from '../users/index.js';
import { EVENTS_TESTED_MAX, type EventCount } from './run-answers.js';
import { REPLAY_ASK_FIRST } from './step-request.js';

/** One run that asks about its user, and its own time if it is a virtual one. */
export interface Asker {
  readonly userId: string;
  readonly runKey: string;
  readonly clockDomain: string;
  /** Null: the database's clock. */
  readonly now: InstantMs | null;
}

/** The person and the run as they are now. */
export interface AskerFacts extends ProfileFacts {
  readonly contextTimezone: string | null;
  readonly now: InstantMs;
  readonly enteredAt: InstantMs;
  /** What endpoints answered, by step. */
  readonly responses: Readonly<Record<string, unknown>>;
}

/** What became of the last visit of a step, as far as it is known. */
export interface StepOutcome {
  readonly stepId: string;
  /** Null of a step that does something else than contact somebody. */
  readonly answer: StepAnswer['kind'] | null;
  /** Of the visit's delivery. */
  readonly deliveryState: DeliveryState | null;
  /** Whether it was heard that somebody opened the visit's message, or followed a link in it. */
  readonly isOpened?: boolean;
  readonly isClicked?: boolean;
  /** Of a step that does something else. */
  readonly isDone: boolean | null;
}

/** Reads what conditions of runs ask about; writes nothing. */
@Injectable()
export class RunQuestionsRepository {
  constructor(private readonly database: Database) {}

  /** Null for a user who is gone. */
  async facts({ userId, runKey, now }: Asker): Promise<AskerFacts | null> {
    const [row] = await this.database.query<AskerFacts>({
      name: 'run_questions_facts',
      text: `select person.external_id as "externalId", person.email, person.name, person.phone,
          person.lifecycle_stage as "lifecycleStage", person.timezone, person.context_timezone as "contextTimezone",
          person.locale, person.jurisdiction, person.preferred_channel as "preferredChannel", person.attributes,
          coalesce(to_timestamp($3::float8 / 1000), clock_timestamp()) as now, entry.entered_at as "enteredAt",
          coalesce((select jsonb_object_agg(step_id, response) from run_responses where run_key = $2), '{}')
            as responses
        from users person join journey_entries entry on entry.run_key = $2
        where person.id = $1 and person.erased_at is null`,
      values: [userId, runKey, now],
    });
    return row ?? null;
  }

  /** How many events there are, in the order of the questions; each is counted to its `countMax`. */
  async countEvents(asker: Asker, now: InstantMs, counts: readonly EventCount[]): Promise<readonly number[]> {
    const rows = await this.database.query<{ found: number }>({
      name: 'run_questions_count_events',
      text: `select (select count(*)::int from (
            select from events where user_id = $1 and event_name = asked.name
              and occurred_at > to_timestamp(asked.after / 1000) and occurred_at <= to_timestamp($2::float8 / 1000)
              and clock_domain in ('real', $3)
            limit asked.count_max) seen) as found
        from unnest($4::text[], $5::float8[], $6::int[]) with ordinality as asked (name, after, count_max, place)
        order by asked.place`,
      values: [
        asker.userId,
        now,
        asker.clockDomain,
        counts.map(({ name }) => name),
        counts.map(({ after }) => after),
        counts.map(({ countMax }) => countMax),
      ],
    });
    return rows.map(({ found }) => found);
  }

  /** The properties of the last 1,000 events of one name in (after, now], newest first. */
  async lastProperties(
    asker: Asker,
    now: InstantMs,
    { name, after }: Pick<EventCount, 'name' | 'after'>,
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const rows = await this.database.query<{ properties: Readonly<Record<string, unknown>> }>({
      name: 'run_questions_last_properties',
      text: `select properties from events
        where user_id = $1 and event_name = $2 and occurred_at > to_timestamp($3::float8 / 1000)
          and occurred_at <= to_timestamp($4::float8 / 1000) and clock_domain in ('real', $5)
        order by occurred_at desc limit ${EVENTS_TESTED_MAX}`,
      values: [asker.userId, name, after, now, asker.clockDomain],
    });
    return rows.map(({ properties }) => properties);
  }

  async consents({ userId, clockDomain }: Asker): Promise<readonly ConsentRecord[]> {
    return this.database.query<ConsentRecord>({
      name: 'run_questions_consents',
      text: `select id, purpose, channel, brand, status, basis, is_objection as "isObjection",
          stated_at as "statedAt", received_at as "receivedAt", expires_at as "expiresAt"
        from consent_records where user_id = $1 and clock_domain in ('real', $2) order by id`,
      values: [userId, clockDomain],
    });
  }

  /** The last visits of these steps; a step that the run was not at is left out. */
  async outcomes(
    { runKey }: Asker,
    stepIds: readonly Extract<RunQuestion, { kind: 'outcome' }>['step'][],
  ): Promise<readonly StepOutcome[]> {
    return this.database.query<StepOutcome>({
      name: 'run_questions_outcomes',
      text: `select distinct on (seen.step_id) seen.step_id as "stepId", seen.answer ->> 'kind' as answer,
          seen.result -> 'isDone' as "isDone", delivery.state as "deliveryState",
          exists (select from contact_outcomes where delivery_id = delivery.id and kind = 'opened') as "isOpened",
          exists (select from contact_outcomes where delivery_id = delivery.id and kind = 'clicked') as "isClicked"
        from (
          select step_id, visit, ask, answer, null::jsonb as result from step_answers
          where run_key = $1 and step_id = any ($2) and answer is not null and ask < ${REPLAY_ASK_FIRST}
          union all
          select step_id, visit, 0, null, result from step_acts
          where run_key = $1 and step_id = any ($2) and result is not null
        ) seen
        left join deliveries delivery
          on delivery.run_key = $1 and delivery.step_id = seen.step_id and delivery.visit = seen.visit
        order by seen.step_id, seen.visit desc, seen.ask desc`,
      values: [runKey, stepIds],
    });
  }
}
