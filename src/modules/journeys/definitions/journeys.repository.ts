import { Injectable } from '@nestjs/common';
import type { JourneyStatus } from '../../../core/journeys/journey-life.js';
import type { Plan } from '../../../core/journeys/plan.js';
import type { InstantMs } from '../../../core/kernel/instant.js';
import { Database, type Queryable } from '../../../platform/database/database.js';

export interface JourneyRow {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly status: JourneyStatus;
  readonly statusSince: InstantMs;
  /** Null: nobody has moved it yet. */
  readonly statusBy: string | null;
  readonly statusReason: string | null;
  /** Where an archived one was before. */
  readonly formerStatus: JourneyStatus | null;
  readonly definition: unknown;
  readonly currentVersion: number | null;
  readonly createdAt: InstantMs;
  readonly updatedAt: InstantMs;
}

export interface JourneyVersionRow {
  readonly version: number;
  readonly definition: unknown;
  readonly contentHash: string;
  readonly publishedAt: InstantMs;
}

const JOURNEY = `id, key, name, status, status_since as "statusSince", status_by as "statusBy",
  status_reason as "statusReason", former_status as "formerStatus", definition, current_version as "currentVersion", created_at as "createdAt",
  updated_at as "updatedAt"`;
const VERSION = `version, definition, content_hash as "contentHash", published_at as "publishedAt"`;

/** The only writer of journeys and journey_versions. */
@Injectable()
export class JourneysRepository {
  constructor(private readonly database: Database) {}

  async insert(queryable: Queryable, journey: { key: string; name: string; definition: unknown }): Promise<JourneyRow> {
    const [row] = await queryable.query<JourneyRow>({
      text: `insert into journeys (key, name, definition) values ($1, $2, $3) returning ${JOURNEY}`,
      values: [journey.key, journey.name, JSON.stringify(journey.definition)],
    });
    if (row === undefined) throw new Error('insert returned no row');
    return row;
  }

  /** Changes the draft; published versions stay as they are. */
  async update(
    queryable: Queryable,
    id: string,
    journey: { name: string; definition: unknown },
  ): Promise<JourneyRow | null> {
    const [row] = await queryable.query<JourneyRow>({
      text: `update journeys set name = $2, definition = $3, updated_at = clock_timestamp()
        where id = $1 returning ${JOURNEY}`,
      values: [id, journey.name, JSON.stringify(journey.definition)],
    });
    return row ?? null;
  }

  /** By id or by key: a key never looks like a UUID. */
  async find(idOrKey: string, queryable: Queryable = this.database, lock = ''): Promise<JourneyRow | null> {
    const [row] = await queryable.query<JourneyRow>({
      text: `select ${JOURNEY} from journeys where id::text = $1 or key = $1 ${lock}`,
      values: [idOrKey],
    });
    return row ?? null;
  }

  /** Which of these keys belong to a journey, whatever its state. */
  async existing(keys: readonly string[]): Promise<ReadonlySet<string>> {
    if (keys.length === 0) return new Set();
    const text = 'select key from journeys where key = any($1)';
    const rows = await this.database.query<{ key: string }>({ text, values: [keys] });
    return new Set(rows.map(({ key }) => key));
  }

  list(
    { isArchived }: { readonly isArchived: boolean },
    page: { after: string | null; limit: number },
  ): Promise<readonly JourneyRow[]> {
    return this.database.query<JourneyRow>({
      text: `select ${JOURNEY} from journeys
        where ($1::uuid is null or id < $1) and (status = 'archived') = $3 order by id desc limit $2`,
      values: [page.after, page.limit, isArchived],
    });
  }

  versions(journeyId: string): Promise<readonly JourneyVersionRow[]> {
    return this.database.query<JourneyVersionRow>({
      text: `select ${VERSION} from journey_versions where journey_id = $1 order by version desc`,
      values: [journeyId],
    });
  }

  async version(queryable: Queryable, journeyId: string, version: number): Promise<JourneyVersionRow | null> {
    const [row] = await queryable.query<JourneyVersionRow>({
      name: 'journeys_version',
      text: `select ${VERSION} from journey_versions where journey_id = $1 and version = $2`,
      values: [journeyId, version],
    });
    return row ?? null;
  }

  /** Stores a version and makes it the one that new runs enter. The journey must be locked by `find(…, 'for update')`. */
  async publish(
    queryable: Queryable,
    published: { journeyId: string; definition: unknown; plan: Plan },
  ): Promise<JourneyVersionRow> {
    const { journeyId, definition, plan } = published;
    const [row] = await queryable.query<JourneyVersionRow>({
      text: `insert into journey_versions (journey_id, version, definition, plan, content_hash)
        values ($1, $2, $3, $4, $5) returning ${VERSION}`,
      values: [journeyId, plan.version, JSON.stringify(definition), JSON.stringify(plan), plan.contentHash],
    });
    await queryable.query({
      text: 'update journeys set current_version = $2, updated_at = clock_timestamp() where id = $1',
      values: [journeyId, plan.version],
    });
    if (row === undefined) throw new Error('insert returned no row');
    return row;
  }

  /** The journey must be locked by `find(…, 'for update')`. */
  async setStatus(
    queryable: Queryable,
    id: string,
    life: { readonly status: JourneyStatus; readonly by: string; readonly reason: string | null },
  ): Promise<void> {
    await queryable.query({
      text: `update journeys set status = $2, status_since = clock_timestamp(), status_by = $3, status_reason = $4,
          former_status = case when $2 = 'archived' then status end
        where id = $1`,
      values: [id, life.status, life.by, life.reason],
    });
  }

  /** Those that let nobody in any more and have nobody left. */
  async runDry(): Promise<readonly string[]> {
    const rows = await this.database.query<{ id: string }>({
      name: 'journeys_run_dry',
      text: `select id from journeys journey where status = 'draining'
        and not exists (select from journey_entries where journey_id = journey.id and ended_at is null)`,
    });
    return rows.map(({ id }) => id);
  }
}
