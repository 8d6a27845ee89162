import { createHash } from 'node:crypto';
import {
  BadRequestException,
  ConflictException,
  ForbiddenException,
  HttpException,
  Inject,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import type { RunReference } from '../../../core/journeys/run-reference.js';
import { Database, type Transaction } from '../../../platform/database/database.js';
import { JourneyVersions } from '../definitions/journey-versions.js';
import { RunSignals } from '../runs/run-signals.js';
import { toRunView } from '../runs/runs.mapper.js';
import { RunsRepository } from '../runs/runs.repository.js';
import { Admission, type Entered, type EntryWish } from './admission.js';
import type { Enrolment, EnrolmentView } from './enrolment.dto.js';
import { EntriesRepository } from './entries.repository.js';

export const IS_VIRTUAL_TIME_ALLOWED = Symbol('IS_VIRTUAL_TIME_ALLOWED');

/** Journeys may start one another in a ring, but one that never waits for a day would go on for ever. */
const GENERATIONS_MAX = 20;

/** Lets people into journeys who are enrolled one by one, over the API or by another journey. */
@Injectable()
export class EnrolmentService {
  constructor(
    private readonly database: Database,
    private readonly admission: Admission,
    private readonly entries: EntriesRepository,
    private readonly runs: RunsRepository,
    private readonly versions: JourneyVersions,
    private readonly signals: RunSignals,
    @Inject(IS_VIRTUAL_TIME_ALLOWED) private readonly isVirtualTimeAllowed: boolean,
  ) {}

  /**
   * Enrols a user in the current version of a published journey and starts the run.
   *
   * @throws NotFoundException when the user or the journey does not exist
   * @throws BadRequestException ENTRY_KEY_MISSING in `parallel` journeys
   * @throws ConflictException JOURNEY_NOT_PUBLISHED and the codes of its other states, USER_ON_HOLD, COOL_DOWN (in
   *   `after_exit` journeys), ENTRY_CONDITION, ENTRY_LIMIT, VIRTUAL_RUN_ACTIVE
   * @throws ForbiddenException VIRTUAL_TIME_REFUSED in production
   */
  async enrol(userId: string, enrolment: Enrolment): Promise<EnrolmentView> {
    if (enrolment.clock_domain !== 'real' && !this.isVirtualTimeAllowed) {
      throw new ForbiddenException({ code: 'VIRTUAL_TIME_REFUSED', detail: 'virtual time is not for production' });
    }
    const journey = await this.versions.current(enrolment.journey);
    const { entry_key: entryKey = null, source, clock_domain: clockDomain } = enrolment;
    const entered = await this.database.transaction((transaction) =>
      this.admission.admit(transaction, { userId, journey, entryKey, source, clockDomain }),
    );
    if (entered.kind === 'refused') throw refusalOf(entered);
    this.signals.kick();
    const run = await this.runs.findByKey(entered.runKey);
    if (run === null) throw new Error(`run ${entered.runKey} has no projection`);
    return { ...toRunView(run), is_new: entered.isNew };
  }

  /**
   * Lets a run of one journey enrol its user in the current version of another one, in real time. Who is in it already
   * is left there.
   *
   * @param work runs in the transaction of the enrolment, before the user's lock is taken; answers false where nobody is
   *   to be enrolled any more
   * @returns false where that can never be: no such user or journey, none that is published, a cool-down, or a ring of
   *   journeys that start one another without a pause
   */
  async enrolByRun(
    wish: { readonly run: RunReference; readonly journey: string; readonly entryKey: string | null },
    work: (transaction: Transaction) => Promise<boolean>,
  ): Promise<boolean> {
    const { run } = wish;
    try {
      const journey = await this.versions.current(wish.journey);
      const entry: EntryWish = {
        userId: run.userId,
        journey,
        entryKey: wish.entryKey ?? entryKeyOf(run.runKey),
        source: `journey:${run.journeyKey}`,
        clockDomain: 'real',
      };
      await this.database.transaction(async (transaction) => {
        if (!(await work(transaction))) return;
        const generation = 1 + (await this.entries.generationOf(transaction, run.runKey));
        if (generation > GENERATIONS_MAX) throw new ConflictException({ code: 'TOO_MANY_GENERATIONS' });
        const entered = await this.admission.admit(transaction, { ...entry, generation });
        if (entered.kind === 'refused') throw refusalOf(entered);
      });
    } catch (error) {
      if (error instanceof HttpException && error.getStatus() < 500) return false;
      throw error;
    }
    this.signals.kick();
    return true;
  }
}

/** Tells the runs that one run starts by itself from all others; a key from outside may look like this, but is none. */
const entryKeyOf = (runKey: string): string => createHash('sha256').update(runKey).digest('hex');

/** A refusal of the admission as an answer of the API. */
function refusalOf({ code, detail, limit }: Extract<Entered, { kind: 'refused' }>): HttpException {
  switch (code) {
    case 'USER_UNKNOWN':
      return new NotFoundException({ code, detail });
    case 'ENTRY_KEY_MISSING': {
      const errors = [{ path: 'entry_key', message: 'is required in a parallel journey' }];
      return new BadRequestException({ code, detail, errors });
    }
    case 'ENTRY_LIMIT': {
      const errors = [{ path: `entry.limits.${limit}`, message: detail }];
      return new ConflictException({ code, detail, errors });
    }
    case 'JOURNEY_NOT_PUBLISHED':
    case 'JOURNEY_PAUSED':
    case 'JOURNEY_DRAINING':
    case 'JOURNEY_STOPPED':
    case 'JOURNEY_ARCHIVED':
    case 'USER_ON_HOLD':
    case 'ENTRY_CONDITION':
    case 'COOL_DOWN':
    case 'VIRTUAL_RUN_ACTIVE':
      return new ConflictException({ code, detail });
  }
}
