import { createHash } from 'node:crypto';
import {
  BadRequestException,
  ConflictException,
  HttpException,
  HttpStatus,
  Inject,
  Injectable,
  Logger,
  NotFoundException,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { compile } from '../../core/journeys/compile.js';
import { canonicalJson } from '../../core/kernel/canonical-json.js';
import { Clock } from '../../platform/clock/clock.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { toPage, type Page, type PageRequest } from '../../platform/http/paging.js';
import { refuseVirtualTime } from '../../platform/http/virtual-time.js';
import { newId } from '../../platform/random/ids.js';
import { UsersService } from '../users/index.js';
import type { SimulationOrder, Subjects, TriedVersion } from './simulation-order.js';
import { SimulationRunner } from './simulation-runner.js';
import { SimulationSources, type DraftRow } from './simulation-sources.repository.js';
import type {
  SimulationHeadView,
  SimulationRequest,
  SimulationView,
  StartedSimulationView,
} from './simulations.dto.js';
import { toHeadView, toSimulationView } from './simulations.mapper.js';
import { SimulationsRepository } from './simulations.repository.js';

/** Each waits for the one before it; whoever comes after these must come again. */
const WAITING_MAX = 10;
const HEARTBEAT_EVERY_MS = 15_000;

interface Job {
  readonly id: string;
  readonly order: SimulationOrder;
  isStopped: boolean;
}

/** Journeys tried on people on paper: one at a time in each process, the others wait. */
@Injectable()
export class SimulationsService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(SimulationsService.name);
  private readonly waiting: Job[] = [];
  private accepting = 0;
  private current: Job | null = null;
  private working: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isShuttingDown = false;

  constructor(
    private readonly simulations: SimulationsRepository,
    private readonly sources: SimulationSources,
    private readonly runner: SimulationRunner,
    private readonly users: UsersService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'isProduction'>,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.heartbeat(), HEARTBEAT_EVERY_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isShuttingDown = true;
    clearInterval(this.timer);
    const jobs = this.ownJobs();
    this.waiting.length = 0;
    for (const job of jobs) job.isStopped = true;
    await this.working;
    for (const { id } of jobs) await this.simulations.interrupt(id);
  }

  /**
   * Puts a simulation in the queue. What is wrong with the journey is said at once.
   *
   * @throws NotFoundException JOURNEY_UNKNOWN, VERSION_UNKNOWN; BadRequestException with the faults of the draft, or for a
   *   history that lies ahead; HttpException 429 TOO_MANY_SIMULATIONS; ForbiddenException VIRTUAL_TIME_REFUSED
   */
  async start(idOrKey: string, request: SimulationRequest, principal: string): Promise<StartedSimulationView> {
    if (request.events.kind === 'history') refuseVirtualTime(request.events.clock_domain, this.config);
    const draft = await this.sources.draft(idOrKey);
    if (draft === null) throw new NotFoundException({ code: 'JOURNEY_UNKNOWN', detail: 'there is no such journey' });
    const order = await this.toOrder(draft, request);
    if (this.waiting.length + this.accepting >= WAITING_MAX) throw tooMany();
    this.accepting += 1;
    const { days, seed, events, version = null, compare_with: compareWith = null } = request;
    const id = newId();
    try {
      const stored = { days, seed, events: events.kind };
      const ofJourney = { journeyId: draft.id, version, compareWith, createdBy: principal };
      await this.simulations.insert({ id, ...ofJourney, request: stored });
      this.waiting.push({ id, order, isStopped: false });
    } finally {
      this.accepting -= 1;
    }
    const view = toHeadView(await this.get(id));
    this.kick();
    return { ...view, from: new Date(order.from).toISOString() };
  }

  async find(id: string): Promise<SimulationView> {
    return toSimulationView(await this.get(id));
  }

  async list(journeyKey: string | null, page: PageRequest): Promise<Page<SimulationHeadView>> {
    const rows = await this.simulations.list(journeyKey, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toHeadView);
  }

  /** @throws NotFoundException SIMULATION_UNKNOWN, ConflictException SIMULATION_OVER */
  async cancel(id: string): Promise<void> {
    const { state } = await this.get(id);
    if (!(await this.simulations.cancel(id))) {
      throw new ConflictException({ code: 'SIMULATION_OVER', detail: `the simulation is ${state} already` });
    }
    for (const job of this.ownJobs()) if (job.id === id) job.isStopped = true;
    const place = this.waiting.findIndex((job) => job.id === id);
    if (place >= 0) this.waiting.splice(place, 1);
  }

  private async get(id: string) {
    const row = await this.simulations.find(id);
    if (row !== null) return row;
    throw new NotFoundException({ code: 'SIMULATION_UNKNOWN', detail: 'there is no such simulation' });
  }

  private ownJobs(): readonly Job[] {
    return this.current === null ? [...this.waiting] : [this.current, ...this.waiting];
  }

  private kick(): void {
    if (this.isShuttingDown) return;
    this.working ??= this.work().finally(() => (this.working = undefined));
  }

  private async work(): Promise<void> {
    for (let job = this.waiting.shift(); job !== undefined; job = this.waiting.shift()) {
      this.current = job;
      await this.carryOut(job);
      this.current = null;
    }
  }

  private async carryOut(job: Job): Promise<void> {
    const { id, order } = job;
    try {
      if (!(await this.simulations.begin(id))) return;
      const result = await this.runner.run(order, {
        isStopped: () => job.isStopped,
        // Another process may have been asked to cancel it.
        progress: async (done, total) => {
          if (!(await this.simulations.progress(id, done, total))) job.isStopped = true;
        },
      });
      if (result !== null) await this.simulations.finish(id, result);
    } catch (error) {
      this.logger.error('a simulation failed', { error, simulation: id });
      await this.simulations.fail(id, 'INTERNAL_ERROR').catch(() => false);
    }
  }

  private async heartbeat(): Promise<void> {
    const ids = this.ownJobs().map(({ id }) => id);
    if (ids.length === 0) return;
    await this.simulations.heartbeat(ids).catch((error: unknown) => {
      this.logger.warn('a simulation could not say that it goes on', { error });
    });
  }

  private async toOrder(draft: DraftRow, request: SimulationRequest): Promise<SimulationOrder> {
    const { version, compare_with: compareWith, entry, events, days, seed } = request;
    const now = this.clock.now();
    const from = request.from ?? now;
    if (events.kind === 'history' && from >= now) throw noHistory(request.from === undefined);
    return {
      base: version === undefined ? compileDraft(draft) : await this.versionOf(draft, version, 'version'),
      other: compareWith === undefined ? null : await this.versionOf(draft, compareWith, 'compare_with'),
      subjects: await this.subjectsOf(request.users),
      usersMax: request.users.limit,
      from,
      days,
      seed,
      spreadDays: entry === 'at_once' ? 0 : entry.spread_days,
      events:
        events.kind === 'history'
          ? { kind: 'history', clockDomain: events.clock_domain }
          : events.kind === 'rates'
            ? { kind: 'rates', perDay: events.per_day }
            : events,
    };
  }

  private async versionOf({ id }: DraftRow, version: number, path: string): Promise<TriedVersion> {
    const row = await this.sources.version(id, version);
    if (row !== null) return { version, ...row };
    const errors = [{ path, message: 'was never published' }];
    throw new NotFoundException({ code: 'VERSION_UNKNOWN', detail: 'there is no such version', errors });
  }

  private async subjectsOf({ ids, where }: SimulationRequest['users']): Promise<Subjects> {
    if (ids === undefined) return { kind: 'where', condition: where ?? null };
    const found = (await this.users.resolveMany(ids)).filter((id) => id !== null);
    return { kind: 'ids', ids: found, unknown: ids.length - found.length };
  }
}

function compileDraft({ definition, currentVersion }: DraftRow): TriedVersion {
  const version = (currentVersion ?? 0) + 1;
  const contentHash = createHash('sha256').update(canonicalJson(definition)).digest('hex');
  const compiled = compile(definition, { version, contentHash });
  if (compiled.kind === 'plan') return { version, definition, plan: compiled.plan };
  const detail = 'the steps do not form a journey';
  throw new BadRequestException({ code: 'JOURNEY_INVALID', detail, errors: compiled.faults });
}

function noHistory(isLeftOut: boolean): BadRequestException {
  const message = isLeftOut ? 'is needed for a history: an instant in the past' : 'must lie in the past for a history';
  const detail = 'the body is not as expected';
  return new BadRequestException({ code: 'INVALID_INPUT', detail, errors: [{ path: 'from', message }] });
}

function tooMany(): HttpException {
  const detail = `${WAITING_MAX} simulations wait already: come again when one has begun, or cancel one`;
  return new HttpException({ code: 'TOO_MANY_SIMULATIONS', detail }, HttpStatus.TOO_MANY_REQUESTS);
}
