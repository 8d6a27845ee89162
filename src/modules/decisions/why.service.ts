import { Inject, Injectable, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { decide } from '../../core/decisions/decide.js';
import { explainCandidate } from '../../core/decisions/explain-candidate.js';
import { explainDecision, type ExplanationContext } from '../../core/decisions/explain.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { Config } from '../../platform/config/config.js';
import { Database } from '../../platform/database/database.js';
import { UsersService, type UserReference } from '../users/index.js';
import { toColumns } from './decision-columns.js';
import { toDecisionInput, type Question } from './decision-input.js';
import type { DecisionPayload } from './decision-record.js';
import { toDecisionView, toExplanationView } from './decisions.mapper.js';
import { DecisionsRepository, type StoredDecision } from './decisions.repository.js';
import { ACTIONS_WEIGHED_MAX, toDefinitions, type Definitions } from './definitions.js';
import { DefinitionsRepository } from './definitions.repository.js';
import { FactsRepository } from './facts.repository.js';
import { asOfNotes, factsAsOf } from './why-facts.js';
import type { WhyView } from './why.dto.js';
import { WhyRepository, type Moment } from './why.repository.js';

const ATTEMPTS_SHOWN_EACH_WAY = 3;
/** Records that are opened on each side to find those in which the action was weighed. */
const ATTEMPTS_OPENED_MAX = 20;

export interface WhyQuestion {
  readonly user: UserReference;
  /** Null: the decision as a whole. */
  readonly action: string | null;
  /** Null: now. */
  readonly at: InstantMs | null;
  readonly withinMs: number;
  readonly clockDomain: string;
}

/** The same question with everything found that it names. */
interface Asked extends Omit<WhyQuestion, 'user' | 'at'> {
  readonly userId: string;
  readonly at: InstantMs;
}

type Attempt = WhyView['attempts'][number];
type Answer = Pick<WhyView, 'answer' | 'standing' | 'reason' | 'what_would_change_it'>;

/** Answers why something was, or was not, done for a person at an instant, also when nobody asked then. */
@Injectable()
export class WhyService {
  constructor(
    private readonly database: Database,
    private readonly repository: WhyRepository,
    private readonly facts: FactsRepository,
    private readonly definitions: DefinitionsRepository,
    private readonly decisions: DecisionsRepository,
    private readonly users: UsersService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'workspace'>,
  ) {}

  /**
   * @throws NotFoundException USER_UNKNOWN, ACTION_UNKNOWN; GoneException USER_ERASED; UnprocessableEntityException
   *   TOO_MANY_ACTIONS, TOO_MANY_CONTACTS
   */
  async why({ user, at, ...question }: WhyQuestion): Promise<WhyView> {
    const userId = await this.users.resolve(user);
    const asked = { ...question, userId, at: at ?? (await this.repository.now()) };
    const found = await this.repository.moment(userId, asked.at);
    const moment = at === null ? { ...found, now: asked.at } : found;
    const supposed = await this.suppose(asked, moment);
    const stored = await this.attempts(asked);
    const made = stored.find(({ decidedAt }) => decidedAt === asked.at);
    const context = { decidedAt: asked.at, mood: moodOf(asked.at, moment.now) };
    const answer = answerFrom(
      made?.payload ?? supposed,
      asked.action,
      made === undefined ? context : { decidedAt: asked.at },
    );
    return {
      user_id: userId,
      action: asked.action,
      at: instantText(asked.at),
      ...answer,
      answer_rests_on: made === undefined ? 'hypothetical' : 'record',
      attempts: stored.map((row) => toAttempt(row, asked)),
      hypothetical: toHypothetical(supposed, asked, context),
      as_of_notes: asOfNotes({ ...moment, at: asked.at }),
    };
  }

  /** What would have been decided at the instant, from the facts of then as far as they can be known. */
  private async suppose(asked: Asked, moment: Moment): Promise<DecisionPayload> {
    const { userId, at, clockDomain, action } = asked;
    const [stored, policies] = await Promise.all([
      this.definitions.load(this.database),
      this.repository.policiesAt(at),
    ]);
    const definitions = toDefinitions({ ...stored, policies });
    const weighs = whatToWeigh(definitions, action);
    const { horizons } = definitions;
    const user = { kind: 'id', id: userId } as const;
    const query = { user, run: null, clockDomain, now: at, horizons, withLifted: true };
    const known = await this.facts.load(this.database, query);
    const facts = factsAsOf(known, { at, horizons, isKillSwitchOn: moment.isKillSwitchOn });
    if (facts === null) {
      const detail = 'too many messages were sent since then to tell which of them counted';
      throw new UnprocessableEntityException({ code: 'TOO_MANY_CONTACTS', detail });
    }
    const question: Question = { userId, weighs, journey: null, clockDomain, context: {} };
    const input = toDecisionInput({ facts, definitions, question, workspaceZone: this.config.workspace.timezone });
    return { input, decision: decide(input) };
  }

  /** Recorded decisions around the instant in which the action was weighed, oldest first. */
  private async attempts(asked: Asked): Promise<readonly Opened[]> {
    const query = { ...asked, limit: asked.action === null ? ATTEMPTS_SHOWN_EACH_WAY : ATTEMPTS_OPENED_MAX };
    const [before, after] = await Promise.all([
      this.open(await this.repository.idsBefore(query), asked.action),
      this.open(await this.repository.idsFrom(query), asked.action),
    ]);
    return [...before.reverse(), ...after];
  }

  /** The first few of these whose record weighs the action. */
  private async open(ids: readonly string[], action: string | null): Promise<Opened[]> {
    const opened: Opened[] = [];
    for (const id of ids) {
      if (opened.length === ATTEMPTS_SHOWN_EACH_WAY) break;
      const row = await this.decisions.find(id);
      if (row === null || row.payload === null || !isWeighed(row.payload, action)) continue;
      opened.push({ ...row, payload: row.payload });
    }
    return opened;
  }
}

type Opened = StoredDecision & { readonly payload: DecisionPayload };

/** As the decision endpoint weighs: all active actions, and the one in question; a message step weighs its template only. */
function whatToWeigh({ actions, activeKeys, templates }: Definitions, action: string | null): Question['weighs'] {
  if (action !== null && !actions.has(action)) {
    if (templates.has(action)) return { kind: 'templates', keys: [action] };
    const detail = 'there is no action and no message template with this key';
    throw new NotFoundException({ code: 'ACTION_UNKNOWN', detail });
  }
  const others = activeKeys.filter((key) => key !== action);
  if (others.length >= ACTIONS_WEIGHED_MAX) {
    const detail = `more than ${ACTIONS_WEIGHED_MAX} actions are active: they cannot be weighed at once`;
    throw new UnprocessableEntityException({ code: 'TOO_MANY_ACTIONS', detail });
  }
  return { kind: 'actions', keys: action === null ? others : [action, ...others] };
}

function isWeighed({ input }: DecisionPayload, action: string | null): boolean {
  return action === null || input.candidates.some(({ key }) => key === action);
}

function answerFrom(payload: DecisionPayload, action: string | null, context: ExplanationContext): Answer {
  const { decision } = payload;
  if (action !== null) {
    const { sentence, standing, reason, change, after } = explainCandidate(payload, action, context);
    return { answer: sentence, standing, reason, what_would_change_it: toChange(change, after) };
  }
  const [nearest] = decision.counterfactuals;
  return {
    answer: explainDecision(decision, { ...context, weighed: payload.input.candidates }),
    standing: null,
    reason: toColumns(decision.outcome).reason,
    what_would_change_it: toChange(nearest?.change ?? null, nearest?.after ?? null),
  };
}

function toChange(change: string | null, after: InstantMs | null): Answer['what_would_change_it'] {
  return change === null ? null : { change, after: after === null ? null : instantText(after) };
}

function toAttempt({ payload, ...row }: Opened, { at, action }: Asked): Attempt {
  const { decidedAt } = row;
  return {
    ...toDecisionView(row),
    id: row.id,
    position: decidedAt === at ? 'at' : decidedAt < at ? 'before' : 'after',
    explanation: answerFrom(payload, action, { decidedAt }).answer,
  };
}

function toHypothetical(
  payload: DecisionPayload,
  { userId, at, clockDomain }: Asked,
  context: ExplanationContext,
): WhyView['hypothetical'] {
  const { outcome } = payload.decision;
  const nobody = { id: null, runKey: null, stepId: null, visit: null, ask: null, source: 'api' as const };
  const row = { ...nobody, userId, clockDomain, decidedAt: at, outcome: outcome.kind, ...toColumns(outcome) };
  return toExplanationView(row, payload, context);
}

const moodOf = (at: InstantMs, now: InstantMs): NonNullable<ExplanationContext['mood']> =>
  at < now ? 'supposed_then' : 'supposed_ahead';

const instantText = (at: InstantMs): string => new Date(at).toISOString();
