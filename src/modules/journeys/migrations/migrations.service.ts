import { ConflictException, Injectable, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { readMap } from '../../../core/journeys/migrating-map.js';
import { actionsOf } from '../../../core/journeys/migrating-repeats.js';
import type { Migration } from '../../../core/journeys/migrating-types.js';
import { waitSortOf } from '../../../core/journeys/migrating.js';
import type { Plan } from '../../../core/journeys/plan.js';
import { Database, violatedUnique } from '../../../platform/database/database.js';
import { toPage, type Page, type PageRequest } from '../../../platform/http/paging.js';
import { AuditLog } from '../../access/index.js';
import { JourneysRepository, type JourneyRow } from '../definitions/journeys.repository.js';
import type { MigrationPreviewView, MigrationRequest, MigrationRunView, MigrationView } from './migrations.dto.js';
import { toMigrationRunView, toMigrationView } from './migrations.mapper.js';
import {
  MigrationsRepository,
  type MigrationRow,
  type MigrationRunRow,
  type StandingRow,
} from './migrations.repository.js';
import { MigrationStarter } from './migrations.starter.js';

/** A map that has been read against both versions. */
interface Wish {
  readonly journey: JourneyRow;
  readonly from: Plan;
  /** Of `from`, in the order of its definition. */
  readonly stepIds: readonly string[];
  readonly to: Plan;
  readonly steps: Migration['steps'];
  readonly offers: Migration['offers'];
}

/** Runs that go on in another version of their journey, when an operator says so and says where. */
@Injectable()
export class MigrationsService {
  constructor(
    private readonly database: Database,
    private readonly journeys: JourneysRepository,
    private readonly migrations: MigrationsRepository,
    private readonly starter: MigrationStarter,
    private readonly audit: AuditLog,
  ) {}

  /**
   * What a migration would do with the runs as they stand now. Nothing is written.
   *
   * @throws NotFoundException; UnprocessableEntityException MIGRATION_INVALID with the path of each fault
   */
  async preview(idOrKey: string, request: MigrationRequest): Promise<MigrationPreviewView> {
    const { journey, from, stepIds, to, steps } = await this.read(idOrKey, request);
    const ordered = stepIds.flatMap((id) => from.steps[id] ?? []);
    const standing = await this.migrations.standing(journey.id, from.version);
    const real = standing.filter(({ clockDomain }) => clockDomain === 'real');
    const at = new Map(real.map(({ stepId, runs }) => [stepId, runs]));
    const toMove = sum(real.filter(({ stepId }) => stepId !== null && Object.hasOwn(steps, stepId)));
    const unknown = at.get(null) ?? 0;
    return {
      journey: journey.key,
      from_version: from.version,
      to_version: to.version,
      runs: {
        all: sum(standing),
        to_move: toMove,
        to_stay: sum(standing) - toMove - unknown,
        unknown,
        virtual: sum(standing) - sum(real),
      },
      steps: ordered.map(({ id, kind }) => ({
        step: id,
        kind,
        runs: at.get(id) ?? 0,
        to: steps[id] ?? null,
      })),
      unmapped: ordered.flatMap((step) => (waitSortOf(step) !== null && steps[step.id] === undefined ? [step.id] : [])),
    };
  }

  /**
   * Starts to move the runs.
   *
   * @throws as `preview`; ConflictException MIGRATION_RUNNING
   */
  async start(idOrKey: string, request: MigrationRequest, principal: string): Promise<MigrationView> {
    const { journey, from, to, steps, offers } = await this.read(idOrKey, request);
    const migration = {
      journeyId: journey.id,
      fromVersion: from.version,
      toVersion: to.version,
      steps,
      offers,
      runsPerSecond: request.runs_per_second,
      createdBy: principal,
    };
    const id = await this.insert(journey.key, migration);
    this.starter.kick();
    return toMigrationView(await this.get(journey.id, id));
  }

  async find(idOrKey: string, id: string): Promise<MigrationView> {
    const journey = await this.journey(idOrKey);
    return toMigrationView(await this.get(journey.id, id));
  }

  async list(idOrKey: string, page: PageRequest): Promise<Page<MigrationView>> {
    const journey = await this.journey(idOrKey);
    const rows = await this.migrations.list(journey.id, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toMigrationView);
  }

  /**
   * What became of each run that has been told or is to be told next; runs that nobody has turned to yet are left out.
   *
   * @throws NotFoundException
   */
  async runs(
    idOrKey: string,
    id: string,
    state: MigrationRunRow['state'] | null,
    page: PageRequest,
  ): Promise<Page<MigrationRunView>> {
    const journey = await this.journey(idOrKey);
    await this.get(journey.id, id);
    const rows = await this.migrations.runs(id, state, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ runId }) => runId, toMigrationRunView);
  }

  /**
   * Tells no more runs. Those that were moved stay where they are, and those that were told still decide.
   *
   * @throws ConflictException MIGRATION_OVER
   */
  async cancel(idOrKey: string, id: string, principal: string): Promise<void> {
    const journey = await this.journey(idOrKey);
    await this.get(journey.id, id);
    await this.database.transaction(async (transaction) => {
      if (!(await this.migrations.cancel(transaction, id))) {
        throw new ConflictException({ code: 'MIGRATION_OVER', detail: 'the migration is over' });
      }
      const detail = { migration: id };
      await this.audit.write(transaction, {
        principal,
        action: 'journey.cancel_migration',
        subject: journey.key,
        detail,
      });
    });
  }

  private async insert(journeyKey: string, migration: Parameters<MigrationsRepository['insert']>[1]): Promise<string> {
    const { createdBy: principal, fromVersion, toVersion, steps } = migration;
    try {
      return await this.database.transaction(async (transaction) => {
        const id = await this.migrations.insert(transaction, migration);
        const detail = { migration: id, from_version: fromVersion, to_version: toVersion, steps };
        await this.audit.write(transaction, { principal, action: 'journey.migrate', subject: journeyKey, detail });
        return id;
      });
    } catch (error) {
      if (violatedUnique(error) !== 'journey_migrations_running') throw error;
      const detail = 'another migration of this journey is under way';
      throw new ConflictException({ code: 'MIGRATION_RUNNING', detail }, { cause: error });
    }
  }

  private async read(idOrKey: string, request: MigrationRequest): Promise<Wish> {
    const journey = await this.journey(idOrKey);
    const versions = await this.migrations.versions(journey.id, [request.from_version, request.to_version]);
    const old = versions.get(request.from_version);
    const other = versions.get(request.to_version);
    const unknown = (['from_version', 'to_version'] as const).filter((field) => !versions.has(request[field]));
    if (old === undefined || other === undefined) {
      throw invalid(unknown.map((path) => ({ path, message: 'there is no such version' })));
    }
    const [from, to] = [old.plan, other.plan];
    const offers = await this.migrations.offers(actionsOf([from, to]));
    const wanted = Object.entries(request.steps).map(([id, target]) => [
      id,
      typeof target === 'string' ? { step: target } : target,
    ]);
    const read = readMap(from, to, Object.fromEntries(wanted) as Parameters<typeof readMap>[2], offers);
    if (read.kind === 'faults') throw invalid(read.faults);
    return { journey, from, stepIds: old.stepIds, to, steps: read.steps, offers };
  }

  private async journey(idOrKey: string): Promise<JourneyRow> {
    const journey = await this.journeys.find(idOrKey);
    if (journey === null) throw new NotFoundException({ code: 'JOURNEY_UNKNOWN', detail: 'there is no such journey' });
    return journey;
  }

  private async get(journeyId: string, id: string): Promise<MigrationRow> {
    const row = await this.migrations.find(journeyId, id);
    if (row === null) {
      throw new NotFoundException({ code: 'MIGRATION_UNKNOWN', detail: 'there is no such migration of this journey' });
    }
    return row;
  }
}

const invalid = (errors: readonly { path: string; message: string }[]): UnprocessableEntityException =>
  new UnprocessableEntityException({ code: 'MIGRATION_INVALID', detail: 'runs cannot be moved like this', errors });

const sum = (rows: readonly StandingRow[]): number => rows.reduce((all, { runs }) => all + runs, 0);
