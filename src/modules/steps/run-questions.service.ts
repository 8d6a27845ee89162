import { Injectable } from '@nestjs/common';
import type { Condition } from '../../core/audiences/condition.js';
import { evaluateCondition } from '../../core/audiences/evaluate-condition.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { Database } from '../../platform/database/database.js';
import { attributesOf, type UserFacts } from '../decisions/index.js';

export interface EventQuestion {
  readonly userId: string;
  readonly names: readonly string[];
  /** Exclusive. */
  readonly after: InstantMs;
  /** Inclusive. */
  readonly until: InstantMs;
  readonly domain: string;
}

export interface EventAnswer {
  readonly messageId: string;
  readonly name: string;
  readonly occurredAt: InstantMs;
}

/** What a run asks about its user besides the contact itself. Reads only. */
@Injectable()
export class RunQuestions {
  constructor(private readonly database: Database) {}

  /** Whether the condition holds for the user as stored now; false for a user who is gone. */
  async holds(userId: string, condition: Condition): Promise<boolean> {
    const [user] = await this.database.query<UserFacts>({
      name: 'run_questions_user',
      text: `select external_id as "externalId", email, email_hash as "emailHash", name, phone,
          lifecycle_stage as "lifecycleStage", timezone, locale, attributes, erased_at is not null as "isErased"
        from users where id = $1`,
      values: [userId],
    });
    if (user === undefined || user.isErased) return false;
    return evaluateCondition({ condition, attributes: attributesOf(user) });
  }

  /** The first of these events by event time, real ones and those of the virtual domain; null when there is none. */
  async firstEvent(question: EventQuestion): Promise<EventAnswer | null> {
    const [event] = await this.database.query<EventAnswer>({
      name: 'run_questions_first_event',
      text: `select message_id as "messageId", event_name as name,
          (extract(epoch from occurred_at) * 1000)::bigint as "occurredAt"
        from events
        where user_id = $1 and event_name = any($2) and clock_domain in ('real', $5)
          and occurred_at > to_timestamp($3::float8 / 1000) and occurred_at <= to_timestamp($4::float8 / 1000)
        order by occurred_at, message_id limit 1`,
      values: [question.userId, question.names, question.after, question.until, question.domain],
    });
    return event ?? null;
  }
}
