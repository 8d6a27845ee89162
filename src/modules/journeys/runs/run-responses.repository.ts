import { Injectable } from '@nestjs/common';
import { Database, type Transaction } from '../../../platform/database/database.js';

/** The only writer of run_responses: what endpoints answered to the webhooks of a run, of each step the last. */
@Injectable()
export class RunResponses {
  constructor(private readonly database: Database) {}

  /** By step id; empty where nothing was answered. */
  async find(runKey: string): Promise<Readonly<Record<string, unknown>>> {
    const rows = await this.database.query<{ stepId: string; response: unknown }>({
      name: 'run_responses_find',
      text: 'select step_id as "stepId", response from run_responses where run_key = $1',
      values: [runKey],
    });
    return Object.fromEntries(rows.map(({ stepId, response }) => [stepId, response]));
  }

  async store(
    transaction: Transaction,
    { runKey, stepId, response }: { readonly runKey: string; readonly stepId: string; readonly response: unknown },
  ): Promise<void> {
    await transaction.query({
      name: 'run_responses_store',
      text: `insert into run_responses (run_key, step_id, response) values ($1, $2, $3)
        on conflict (run_key, step_id) do update set response = excluded.response, received_at = clock_timestamp()`,
      values: [runKey, stepId, JSON.stringify(response)],
    });
  }

  /** What others say about a person is personal; and ids that senders chose may be. */
  async eraseUser(transaction: Transaction, userId: string): Promise<void> {
    const ofUser = 'where run_key in (select run_key from journey_entries where user_id = $1)';
    await transaction.query({ text: `delete from run_responses ${ofUser}`, values: [userId] });
    await transaction.query({ text: `delete from run_rejects ${ofUser}`, values: [userId] });
  }
}
