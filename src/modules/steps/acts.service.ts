import { Injectable } from '@nestjs/common';
import type { Act } from '../../core/journeys/plan.js';
import type { RunClock, RunReference } from '../../core/journeys/run-reference.js';
import type { ActAnswer } from '../../core/journeys/step-answer.js';
import { unreachable } from '../../core/kernel/assert.js';
import { Database, type Transaction } from '../../platform/database/database.js';
import { EnrolmentService } from '../journeys/index.js';
import { UsersService } from '../users/index.js';
import { ActsRepository, type ActResult, type ActVisit } from './acts.repository.js';
import { WebhookActs, type ActDelay } from './acts-webhook.service.js';

/** Something that a run does besides contacting its user. */
export interface ActRequest {
  readonly run: RunReference;
  readonly stepId: string;
  /** 1 for the first time that the run is at this step. */
  readonly visit: number;
  readonly act: Act;
  readonly clock: RunClock;
}

const DONE: ActResult = { isDone: true, because: null };
const notDone = (because: string): ActResult => ({ isDone: false, because });
const OVER = notDone('run_over');

/** What steps do that is no contact. A repeated attempt of one visit gets the first answer and has no second effect. */
@Injectable()
export class Acts {
  constructor(
    private readonly database: Database,
    private readonly acts: ActsRepository,
    private readonly users: UsersService,
    private readonly enrolments: EnrolmentService,
    private readonly webhooks: WebhookActs,
  ) {}

  /**
   * One attempt: done, never to be done, or put off.
   *
   * In virtual time nothing leaves the trial: no endpoint is called, and no other journey is started, because a user has
   * one run in a virtual domain; both count as done. A change of the profile does take place, so that later steps see it.
   * A run that is to end, or whose journey was stopped, changes and starts nothing more, whether or not it has heard so.
   */
  async run(request: ActRequest): Promise<ActAnswer> {
    const outcome = await this.carryOut(request);
    if (!('isDone' in outcome)) return { kind: 'later', until: outcome.until };
    return { kind: outcome.isDone ? 'done' : 'failed' };
  }

  private async carryOut(request: ActRequest): Promise<ActResult | ActDelay> {
    const { act, clock } = request;
    switch (act.kind) {
      case 'update_user':
        return this.updateUser(request, act);
      case 'reach_goal':
        return this.reachGoal(request, act);
      case 'start_journey':
        return clock.kind === 'virtual' ? this.skip(request) : this.startJourney(request, act);
      case 'webhook':
        return clock.kind === 'virtual' ? this.skip(request) : this.webhooks.send(request.run, visitOf(request), act);
      default:
        return unreachable(act);
    }
  }

  private skip(request: ActRequest): Promise<ActResult> {
    return this.acts.finish(this.database, visitOf(request), DONE);
  }

  private async updateUser(request: ActRequest, { set }: ActOf<'update_user'>): Promise<ActResult> {
    const { run } = request;
    const visit = visitOf(request);
    const result = await this.database.transaction(async (transaction) => {
      const known = await this.begin(transaction, request);
      if (known !== null) return known;
      const isSet = await this.users.amend(transaction, run.userId, { set, run });
      return this.acts.finish(transaction, visit, isSet ? DONE : notDone('profile_refused'));
    });
    this.users.committed();
    return result;
  }

  /** @returns what came of the visit already, or of the run; null: it is to be done, in this transaction */
  private async begin(transaction: Transaction, request: ActRequest): Promise<ActResult | null> {
    const { run, clock } = request;
    const visit = visitOf(request);
    const { result } = await this.acts.begin(transaction, visit);
    if (result !== null) return result;
    // An exit that is being asked for, and an event that is being stored, are waited for and then seen.
    await this.users.lockAlone(transaction, [run.userId]);
    return (await this.acts.isOver(transaction, run.runKey, clock)) ? this.acts.finish(transaction, visit, OVER) : null;
  }

  private reachGoal(request: ActRequest, { goal }: ActOf<'reach_goal'>): Promise<ActResult> {
    const { run, clock } = request;
    return this.database.transaction(async (transaction) => {
      await this.acts.reachGoal(transaction, run.runKey, goal, clock.kind === 'real' ? null : clock.now);
      return this.acts.finish(transaction, visitOf(request), DONE);
    });
  }

  /** Who is in the journey already is left there: done. */
  private async startJourney(request: ActRequest, act: ActOf<'start_journey'>): Promise<ActResult> {
    const visit = visitOf(request);
    const { run } = request;
    const known: { result: ActResult | null } = { result: null };
    const wish = { run, journey: act.journey, entryKey: act.entryKey };
    const isStarted = await this.enrolments.enrolByRun(wish, async (transaction) => {
      known.result = await this.begin(transaction, request);
      if (known.result !== null) return false;
      await this.acts.finish(transaction, visit, DONE);
      return true;
    });
    if (known.result !== null) return known.result;
    return isStarted ? DONE : this.acts.finish(this.database, visit, notDone('entry_refused'));
  }
}

type ActOf<Kind extends Act['kind']> = Extract<Act, { kind: Kind }>;

const visitOf = ({ run, stepId, visit }: ActRequest): ActVisit => ({ runKey: run.runKey, stepId, visit });
