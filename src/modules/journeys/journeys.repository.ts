import { Injectable } from '@nestjs/common';
import type { Plan } from '../../core/journeys/plan.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database, type Queryable } from '../../platform/database/database.js';

export interface JourneyRow {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly status: 'draft' | 'published' | 'archived';
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

const JOURNEY = `id, key, name, status, definition, current_version as "currentVersion", created_at as "createdAt",
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

  list(page: { after: string | null; limit: number }): Promise<readonly JourneyRow[]> {
    return this.database.query<JourneyRow>({
      text: `select ${JOURNEY} from journeys where $1::uuid is null or id < $1 order by id desc limit $2`,
      values: [page.after, page.limit],
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
      text: `update journeys set status = 'published', current_version = $2, updated_at = clock_timestamp() where id = $1`,
      values: [journeyId, plan.version],
    });
    if (row === undefined) throw new Error('insert returned no row');
    return row;
  }
}
