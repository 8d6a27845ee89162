import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { entryRefusalOf, statusText, type JourneyStatus } from '../../../core/journeys/journey-life.js';
import type { Plan } from '../../../core/journeys/plan.js';
import type { RunReference } from '../../../core/journeys/run-reference.js';
import { everydayRule, type QuietRule } from '../../../core/quiet-hours/quiet-rule.js';
import { Database, type Queryable } from '../../../platform/database/database.js';
import type { JourneyDefinitionDto } from './journeys.dto.js';

export interface PublishedJourney {
  readonly id: string;
  readonly entry: JourneyDefinitionDto['entry'];
  readonly conflict: NonNullable<JourneyDefinitionDto['conflict']> | null;
  readonly plan: Plan;
}

const VERSIONS_CACHED_MAX = 500;

/** Published versions as the running product needs them. A version never changes, so it is read once and kept. */
@Injectable()
export class JourneyVersions {
  private readonly quietRules = new Map<string, readonly QuietRule[]>();

  constructor(private readonly database: Database) {}

  /**
   * The version that new runs enter.
   *
   * @throws NotFoundException when no journey has the key; ConflictException when it lets nobody in, with the code that
   *   says why: JOURNEY_NOT_PUBLISHED, JOURNEY_PAUSED, JOURNEY_DRAINING, JOURNEY_STOPPED, JOURNEY_ARCHIVED
   */
  async current(journeyKey: string): Promise<PublishedJourney> {
    const [row] = await this.database.query<{
      id: string;
      status: JourneyStatus;
      definition: JourneyDefinitionDto | null;
      plan: Plan | null;
    }>({
      name: 'journey_versions_current',
      text: `select journey.id, journey.status, version.definition, version.plan
        from journeys journey
        left join journey_versions version
          on version.journey_id = journey.id and version.version = journey.current_version
        where journey.key = $1`,
      values: [journeyKey],
    });
    if (row === undefined) throw new NotFoundException({ code: 'JOURNEY_UNKNOWN', detail: 'there is no such journey' });
    const refusal = entryRefusalOf(row.status);
    if (refusal !== null) throw new ConflictException({ code: refusal, detail: statusText(refusal) });
    if (row.definition === null || row.plan === null) throw new Error(`${journeyKey} is published without a version`);
    const { entry, conflict = null } = row.definition;
    return { id: row.id, entry, conflict, plan: row.plan };
  }

  /**
   * Quiet hours that the journey sets for itself, on top of the policies.
   *
   * @param queryable the caller's transaction, if it is in one: a second connection of the pool may never come
   */
  async quietRulesOf(
    queryable: Queryable,
    { journeyKey, journeyVersion: version }: Pick<RunReference, 'journeyKey' | 'journeyVersion'>,
  ): Promise<readonly QuietRule[]> {
    const cacheKey = `${journeyKey}@${version}`;
    const known = this.quietRules.get(cacheKey);
    if (known !== undefined) return known;
    const [row] = await queryable.query<{ quietHours: JourneyDefinitionDto['quiet_hours'] | null }>({
      name: 'journey_versions_quiet_hours',
      text: `select version.definition -> 'quiet_hours' as "quietHours"
        from journey_versions version join journeys journey on journey.id = version.journey_id
        where journey.key = $1 and version.version = $2`,
      values: [journeyKey, version],
    });
    if (row === undefined) throw new Error(`journey ${cacheKey} is not published`);
    const rules = toQuietRules(journeyKey, version, row.quietHours);
    if (this.quietRules.size >= VERSIONS_CACHED_MAX) this.quietRules.clear();
    this.quietRules.set(cacheKey, rules);
    return rules;
  }
}

/** The quiet hours that a definition sets for its own runs, as rules. */
export function toQuietRules(
  journeyKey: string,
  version: number,
  quietHours: JourneyDefinitionDto['quiet_hours'] | null,
): readonly QuietRule[] {
  return Object.entries(quietHours ?? {}).flatMap(([channel, window]) =>
    window === undefined
      ? []
      : [
          everydayRule({
            id: `journey:${journeyKey}`,
            version,
            origin: 'journey',
            channels: [channel],
            startMinute: minuteOfDay(window.start),
            endMinute: minuteOfDay(window.end),
          }),
        ],
  );
}

const minuteOfDay = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
