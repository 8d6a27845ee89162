import { Injectable } from '@nestjs/common';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';
import type { StoredDefinitions } from './definitions.js';

/** What is to be known of an instant beside facts and definitions. */
export interface Moment {
  readonly now: InstantMs;
  readonly isKillSwitchOn: boolean;
  readonly userCreatedAt: InstantMs;
}

/** Where recorded decisions are looked for: from an instant on, towards the past or the future, no farther than another. */
export interface AttemptQuery {
  readonly userId: string;
  readonly clockDomain: string;
  readonly at: InstantMs;
  readonly withinMs: number;
  readonly limit: number;
}

const AT = 'to_timestamp($1::float8 / 1000)';

/** Reads what was in force, and what was decided, around an instant; writes nothing. */
@Injectable()
export class WhyRepository {
  constructor(private readonly database: Database) {}

  async now(): Promise<InstantMs> {
    const [row] = await this.database.query<{ now: InstantMs }>({
      text: 'select clock_timestamp()::timestamptz(3) as now',
    });
    if (row === undefined) throw new Error('the database told no time');
    return row.now;
  }

  /** The kill switch as it stood at `at`: as it stands, unless it was thrown since; then the audit trail knows. */
  async moment(userId: string, at: InstantMs): Promise<Moment> {
    const [moment] = await this.database.query<Moment>({
      text: `select clock_timestamp()::timestamptz(3) as now, person.created_at as "userCreatedAt",
          case when controls.changed_at <= ${AT} then controls.is_kill_switch_on else coalesce(
            (select action = 'kill_switch.on' from audit_log
              where action in ('kill_switch.on', 'kill_switch.off') and at <= ${AT} order by id desc limit 1),
            controls.is_kill_switch_on and not exists (
              select from audit_log where action in ('kill_switch.on', 'kill_switch.off'))) end as "isKillSwitchOn"
        from controls, users person where person.id = $2`,
      values: [at, userId],
    });
    if (moment === undefined) throw new Error(`user ${userId} is gone`);
    return moment;
  }

  /** Policies in force at an instant; for one that lies ahead, those in force now. */
  policiesAt(at: InstantMs): Promise<StoredDefinitions['policies']> {
    return this.database.query({
      text: `select distinct on (key) key, version, definition from policies
        where created_at <= ${AT} and (is_active or deactivated_at > ${AT}) order by key, version desc`,
      values: [at],
    });
  }

  /** Ids of decisions made before the instant, the nearest first. */
  idsBefore(query: AttemptQuery): Promise<readonly string[]> {
    const from = query.at - query.withinMs;
    return this.ids(query, { from, to: query.at - 1, order: 'desc' });
  }

  /** Ids of decisions made at the instant or after it, the nearest first. */
  idsFrom(query: AttemptQuery): Promise<readonly string[]> {
    return this.ids(query, { from: query.at, to: query.at + query.withinMs, order: 'asc' });
  }

  private async ids(
    { userId, clockDomain, limit }: AttemptQuery,
    { from, to, order }: { readonly from: InstantMs; readonly to: InstantMs; readonly order: 'asc' | 'desc' },
  ): Promise<readonly string[]> {
    const rows = await this.database.query<{ id: string }>({
      text: `select id from decisions where user_id = $1 and clock_domain = $2
          and decided_at between to_timestamp($3::float8 / 1000) and to_timestamp($4::float8 / 1000)
        order by decided_at ${order}, id ${order} limit $5`,
      values: [userId, clockDomain, from, to, limit],
    });
    return rows.map(({ id }) => id);
  }
}
