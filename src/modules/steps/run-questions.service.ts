import { Injectable } from '@nestjs/common';
import type { Condition } from '../../core/audiences/condition.js';
import { evaluateCondition } from '../../core/audiences/evaluate-condition.js';
import { Database } from '../../platform/database/database.js';
import { attributesOf, type ProfileFacts } from '../decisions/index.js';

/** What a run asks about its user besides the contact itself. Reads only. */
@Injectable()
export class RunQuestions {
  constructor(private readonly database: Database) {}

  /** Whether the condition holds for the user as stored now; false for a user who is gone. */
  async holds(userId: string, condition: Condition): Promise<boolean> {
    const [user] = await this.database.query<ProfileFacts & { readonly isErased: boolean }>({
      name: 'run_questions_user',
      text: `select external_id as "externalId", email, name, phone, lifecycle_stage as "lifecycleStage", timezone, locale,
          jurisdiction, attributes, erased_at is not null as "isErased"
        from users where id = $1`,
      values: [userId],
    });
    if (user === undefined || user.isErased) return false;
    return evaluateCondition({ condition, attributes: attributesOf(user) });
  }
}
