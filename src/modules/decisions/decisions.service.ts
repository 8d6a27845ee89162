import { GoneException, Inject, Injectable, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import type { Scalar } from '../../core/audiences/condition.js';
import { decide } from '../../core/decisions/decide.js';
import type { Config } from '../../platform/config/config.js';
import { CONFIG } from '../../platform/config/config.module.js';
import { Database } from '../../platform/database/database.js';
import { refuseVirtualTime } from '../../platform/http/virtual-time.js';
import type { Page, PageRequest } from '../../platform/http/paging.js';
import { toPage } from '../../platform/http/paging.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { newId } from '../../platform/random/ids.js';
import type { UserReference } from '../users/index.js';
import { toColumns } from './decision-columns.js';
import { DecisionInputs } from './decision-inputs.js';
import type { DecisionMade } from './decision-record.js';
import type { DecisionView, ExplanationView } from './decisions.dto.js';
import { toDecisionView, toExplanationView } from './decisions.mapper.js';
import { DecisionsRepository, type DecisionFilter, type StoredDecision } from './decisions.repository.js';
import { ACTIONS_WEIGHED_MAX, type Definitions } from './definitions.js';

export interface NextBestActionQuestion {
  readonly user: UserReference;
  /** Null: all active actions. */
  readonly actions: readonly string[] | null;
  /** The situation, for the context weights of actions. */
  readonly context: Readonly<Record<string, Scalar>>;
  readonly isDryRun: boolean;
  readonly clockDomain: string;
}

type Weighed = DecisionMade & { readonly definitions: Definitions };

/** Decisions asked for over the API, and the stored ones with their reasons. */
@Injectable()
export class DecisionsService {
  constructor(
    private readonly database: Database,
    private readonly inputs: DecisionInputs,
    private readonly decisions: DecisionsRepository,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Pick<Config, 'isProduction'>,
  ) {}

  /**
   * The best action for the user now, or silence with its reason. The answer is recorded; nothing is claimed or sent, so
   * the facts are read without the user's lock: one statement reads, one records, each a transaction of its own.
   *
   * @throws NotFoundException USER_UNKNOWN, GoneException USER_ERASED, UnprocessableEntityException TOO_MANY_ACTIONS,
   *   UNKNOWN_REFERENCE for an action that nobody knows, ForbiddenException VIRTUAL_TIME_REFUSED in production
   */
  async nextBestAction(question: NextBestActionQuestion): Promise<ExplanationView> {
    refuseVirtualTime(question.clockDomain, this.config);
    const made = await this.weigh(question);
    if (question.isDryRun) return this.view(null, question, made);
    const id = newId();
    const { clockDomain } = question;
    const { id: userId } = made.input.user;
    const isRecorded = await this.decisions.appendUnlocked({
      id,
      userId,
      source: 'api',
      step: null,
      clockDomain,
      made,
    });
    if (!isRecorded) throw erasedUser();
    const { outcome } = made.decision;
    this.metrics.countDecision(outcome.kind, outcome.kind === 'act' ? null : outcome.reason);
    return this.view(id, question, made);
  }

  /** @throws NotFoundException DECISION_UNKNOWN */
  async find(id: string): Promise<DecisionView> {
    return toDecisionView(await this.get(id));
  }

  /**
   * Why this was decided, and what would have changed it.
   *
   * @throws NotFoundException DECISION_UNKNOWN; GoneException DECISION_ERASED when the user was erased
   */
  async explain(id: string): Promise<ExplanationView> {
    const row = await this.get(id);
    if (row.payload === null) {
      throw new GoneException({ code: 'DECISION_ERASED', detail: 'the user was erased, and the reasons with them' });
    }
    return toExplanationView(row, row.payload);
  }

  async list(filter: DecisionFilter, page: PageRequest): Promise<Page<DecisionView>> {
    const rows = await this.decisions.list(filter, { ...page, limit: page.limit + 1 });
    return toPage(rows, page, ({ id }) => id, toDecisionView);
  }

  private async get(id: string): Promise<StoredDecision> {
    const row = await this.decisions.find(id);
    if (row === null) throw new NotFoundException({ code: 'DECISION_UNKNOWN', detail: 'there is no such decision' });
    return row;
  }

  private async weigh({ user, actions, context, clockDomain }: NextBestActionQuestion): Promise<Weighed> {
    const { facts, definitions, input } = await this.inputs.read(this.database, {
      user,
      weighs: { kind: 'actions', keys: actions },
      run: null,
      journey: null,
      clockDomain,
      context,
      now: null,
    });
    refuseUnknownActions(actions ?? [], definitions);
    if (facts.user === null) throw unknownUser();
    if (facts.user.isErased) throw erasedUser();
    if (input.candidates.length > ACTIONS_WEIGHED_MAX) {
      const detail = `more than ${ACTIONS_WEIGHED_MAX} actions are active: name those to weigh`;
      throw new UnprocessableEntityException({ code: 'TOO_MANY_ACTIONS', detail });
    }
    return { definitions, input, decision: decide(input) };
  }

  private view(id: string | null, { clockDomain }: NextBestActionQuestion, made: Weighed): ExplanationView {
    const { outcome } = made.decision;
    const row = {
      id,
      userId: made.input.user.id,
      source: 'api' as const,
      runKey: null,
      stepId: null,
      visit: null,
      ask: null,
      clockDomain,
      decidedAt: made.input.now,
      outcome: outcome.kind,
      ...toColumns(outcome),
    };
    return toExplanationView(row, made);
  }
}

/** A journey may outlive an action that it names, and is silent then; whoever names one now has misspelt it. */
function refuseUnknownActions(keys: readonly string[], { actions }: Definitions): void {
  const errors = keys.flatMap((key, index) =>
    actions.has(key) ? [] : [{ path: `actions[${index}]`, message: `there is no action "${key}"` }],
  );
  if (errors.length === 0) return;
  const detail = 'the question names actions that do not exist';
  throw new UnprocessableEntityException({ code: 'UNKNOWN_REFERENCE', detail, errors });
}

const unknownUser = (): NotFoundException =>
  new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user' });

const erasedUser = (): GoneException => new GoneException({ code: 'USER_ERASED', detail: 'this user was erased' });
