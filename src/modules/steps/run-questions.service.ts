import { Injectable } from '@nestjs/common';
import type { Condition } from '../../core/audiences/condition.js';
import { evaluateCondition } from '../../core/audiences/evaluate-condition.js';
import { evaluateRunCondition, questionKey, questionsIn } from '../../core/audiences/evaluate-run-condition.js';
import type { RunCondition, RunQuestion } from '../../core/audiences/run-condition.js';
import type { RunClock, RunReference } from '../../core/journeys/run-reference.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';
import { attributesOf, type ProfileFacts } from '../users/index.js';
import { askerOf } from './run-asker.js';
import { isAllowed, toCount } from './run-answers.js';
import { RunQuestionsRepository, type Asker, type AskerFacts } from './run-questions.repository.js';
import { isOutcome } from './run-outcomes.js';

type QuestionOf<Kind extends RunQuestion['kind']> = Extract<RunQuestion, { kind: Kind }>;
/** By `questionKey`; what is not in here is false. */
type Answers = ReadonlyMap<string, boolean>;

/** What a run asks about its user besides the contact itself. Reads only. */
@Injectable()
export class RunQuestions {
  constructor(
    private readonly database: Database,
    private readonly repository: RunQuestionsRepository,
  ) {}

  /** Whether the condition holds for the user as stored now; false for a user who is gone. */
  async holds(userId: string, condition: Condition): Promise<boolean> {
    const [user] = await this.database.query<ProfileFacts & { readonly isErased: boolean }>({
      name: 'run_questions_user',
      text: `select external_id as "externalId", email, name, phone, lifecycle_stage as "lifecycleStage", timezone, locale,
          jurisdiction, preferred_channel as "preferredChannel", attributes, erased_at is not null as "isErased"
        from users where id = $1`,
      values: [userId],
    });
    if (user === undefined || user.isErased) return false;
    return evaluateCondition({ condition, attributes: attributesOf(user) });
  }

  /**
   * The position of the first condition that holds for the user and the run now, or null: none does, or the user is gone.
   *
   * Conditions see the profile, and `run.responses.<step>`: what endpoints answered to this run. An event counts by when
   * it happened, in (now - `within`, now] or since the run began; where its properties matter the last 1,000 of the name
   * are looked at. A consent that is in doubt is none.
   */
  async choose(ask: {
    readonly run: RunReference;
    readonly conditions: readonly RunCondition[];
    readonly clock: RunClock;
  }): Promise<number | null> {
    const asker = askerOf(ask);
    const facts = await this.repository.facts(asker);
    if (facts === null) return null;
    const answers = await this.answer(asker, facts, questionsIn(...ask.conditions));
    const attributes = { ...attributesOf(facts), run: { responses: facts.responses } };
    const answer = (question: RunQuestion): boolean => answers.get(questionKey(question)) === true;
    const index = ask.conditions.findIndex((condition) => evaluateRunCondition({ condition, attributes, answer }));
    return index < 0 ? null : index;
  }

  private async answer(asker: Asker, facts: AskerFacts, questions: readonly RunQuestion[]): Promise<Answers> {
    const events = questions.filter((question) => question.kind === 'event');
    const consents = questions.filter((question) => question.kind === 'consent');
    const outcomes = questions.filter((question) => question.kind === 'outcome');
    const answered = [
      await this.answerCounts(
        asker,
        facts,
        events.filter(({ where }) => where === undefined),
      ),
      await this.answerTests(asker, facts, events),
      await this.answerConsents(asker, facts.now, consents),
      await this.answerOutcomes(asker, outcomes),
    ];
    return new Map(answered.flat());
  }

  private async answerCounts(
    asker: Asker,
    facts: AskerFacts,
    questions: readonly QuestionOf<'event'>[],
  ): Promise<readonly Answered[]> {
    if (questions.length === 0) return [];
    const counts = questions.map((question) => toCount(question, facts));
    const found = await this.repository.countEvents(asker, facts.now, counts);
    return questions.map((question, index) => [
      questionKey(question),
      (found[index] ?? 0) >= toCount(question, facts).countMax,
    ]);
  }

  private async answerTests(
    asker: Asker,
    facts: AskerFacts,
    questions: readonly QuestionOf<'event'>[],
  ): Promise<readonly Answered[]> {
    const answered: Answered[] = [];
    for (const question of questions) {
      const { where } = question;
      if (where === undefined) continue;
      const count = toCount(question, facts);
      const events = await this.repository.lastProperties(asker, facts.now, count);
      const fitting = events.filter((attributes) => evaluateCondition({ condition: where, attributes }));
      answered.push([questionKey(question), fitting.length >= count.countMax]);
    }
    return answered;
  }

  private async answerConsents(
    asker: Asker,
    now: InstantMs,
    questions: readonly QuestionOf<'consent'>[],
  ): Promise<readonly Answered[]> {
    if (questions.length === 0) return [];
    const consents = await this.repository.consents(asker);
    return questions.map((question) => [questionKey(question), isAllowed(question, consents, now)]);
  }

  private async answerOutcomes(
    asker: Asker,
    questions: readonly QuestionOf<'outcome'>[],
  ): Promise<readonly Answered[]> {
    if (questions.length === 0) return [];
    const steps = [...new Set(questions.map(({ step }) => step))];
    const outcomes = new Map((await this.repository.outcomes(asker, steps)).map((each) => [each.stepId, each]));
    return questions.map((question) => {
      const outcome = outcomes.get(question.step);
      return [questionKey(question), outcome !== undefined && isOutcome(outcome, question.is)];
    });
  }
}

type Answered = readonly [key: string, isSo: boolean];
