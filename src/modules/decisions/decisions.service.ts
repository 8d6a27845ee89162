import { GoneException, Injectable, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { decide } from '../../core/decisions/decide.js';
import { Database, type Queryable } from '../../platform/database/database.js';
import type { Page, PageRequest } from '../../platform/http/paging.js';
import { toPage } from '../../platform/http/paging.js';
import { Metrics } from '../../platform/observability/metrics.js';
import { newId } from '../../platform/random/ids.js';
import { toColumns } from './decision-columns.js';
import { toDecisionInput } from './decision-input.js';
import type { DecisionView, ExplanationView } from './decisions.dto.js';
import { toDecisionView, toExplanationView } from './decisions.mapper.js';
import { DecisionsRepository, type DecisionPayload, type DecisionRow } from './decisions.repository.js';
import { FactsRepository, type FactsQuery } from './facts.repository.js';

const ACTIONS_WEIGHED_MAX = 1_000;

export interface NextBestActionQuestion {
  readonly userId: string;
  /** Null: all active actions. */
  readonly actions: readonly string[] | null;
  readonly isDryRun: boolean;
  readonly clockDomain: string;
}

export interface DecisionFilter {
  readonly userId: string | null;
  readonly runKey: string | null;
  readonly outcome: string | null;
  readonly reason: string | null;
}

/** Decisions asked for over the API, and the stored ones with their reasons. */
@Injectable()
export class DecisionsService {
  constructor(
    private readonly database: Database,
    private readonly facts: FactsRepository,
    private readonly decisions: DecisionsRepository,
    private readonly metrics: Metrics,
  ) {}

  /**
   * The best action for the user now, or silence with its reason. The answer is recorded; nothing is claimed or sent.
   *
   * @throws NotFoundException USER_UNKNOWN
   */
  async nextBestAction(question: NextBestActionQuestion): Promise<ExplanationView> {
    if (question.isDryRun) {
      return this.view(null, question, await this.weigh(this.database, question));
    }
    const id = newId();
    const payload = await this.database.transaction(async (transaction) => {
      if (!(await this.decisions.lockUser(transaction, question.userId))) throw unknownUser();
      const weighed = await this.weigh(transaction, question);
      const { userId, clockDomain } = question;
      await this.decisions.append(transaction, {
        id,
        userId,
        source: 'api',
        step: null,
        clockDomain,
        payload: weighed,
      });
      return weighed;
    });
    const { outcome } = payload.decision;
    this.metrics.countDecision(outcome.kind, outcome.kind === 'act' ? null : outcome.reason);
    return this.view(id, question, payload);
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

  private async get(id: string): Promise<DecisionRow> {
    const row = await this.decisions.find(id);
    if (row === null) throw new NotFoundException({ code: 'DECISION_UNKNOWN', detail: 'there is no such decision' });
    return row;
  }

  private async weigh(queryable: Queryable, question: NextBestActionQuestion): Promise<DecisionPayload> {
    const query: FactsQuery = {
      userId: question.userId,
      runKey: null,
      clockDomain: question.clockDomain,
      now: null,
      weighs: { kind: 'actions', keys: question.actions },
    };
    const facts = await this.facts.load(queryable, query);
    if (facts.user === null) throw unknownUser();
    if (facts.actions.length > ACTIONS_WEIGHED_MAX) {
      const detail = `more than ${ACTIONS_WEIGHED_MAX} actions are active: name those to weigh`;
      throw new UnprocessableEntityException({ code: 'TOO_MANY_ACTIONS', detail });
    }
    const input = toDecisionInput(facts, { query, journeyKey: null, journeyQuietRules: [] });
    return { schema: 1, input, decision: decide(input) };
  }

  private view(id: string | null, question: NextBestActionQuestion, payload: DecisionPayload): ExplanationView {
    const { outcome } = payload.decision;
    const row = {
      id,
      userId: question.userId,
      source: 'api' as const,
      runKey: null,
      stepId: null,
      visit: null,
      ask: null,
      clockDomain: question.clockDomain,
      decidedAt: payload.input.now,
      outcome: outcome.kind,
      ...toColumns(outcome),
      payload,
    };
    return toExplanationView(row, payload);
  }
}

const unknownUser = (): NotFoundException =>
  new NotFoundException({ code: 'USER_UNKNOWN', detail: 'there is no such user' });
