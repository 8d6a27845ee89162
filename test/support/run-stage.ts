import { setTimeout } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Plan } from '../../src/core/journeys/plan.js';
import type { RunReference } from '../../src/core/journeys/run-reference.js';
import { Database } from '../../src/platform/database/database.js';
import { clientOf, type Client } from './client.js';

/** Enough for another millisecond on both clocks, one of which rounds up. */
const MILLISECOND_OVER = 3;

/** Runs of journeys as the database knows them; no workflow is started. */
export class RunStage {
  readonly api: Client;

  constructor(private readonly app: NestFastifyApplication) {
    this.api = clientOf(app);
  }

  query<Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> {
    return this.app.get(Database).query<Row>({ text, values });
  }

  /** A marketing e-mail that shows what it must, and says no more. */
  async template(key: string): Promise<void> {
    const text = '{{ unsubscribe_url }} {{ company.address }}';
    const template = { key, channel: 'email', purpose: 'marketing', subject: key, html: text, text };
    const { status, body } = await this.api.post('/api/message-templates', template);
    if (status !== 201) throw new Error(JSON.stringify(body));
  }

  /** Publishes a journey that does nothing; `plan` takes the place of parts of what was compiled. */
  async publish(key: string, entry: object = { mode: 'once' }, plan: Partial<Plan> = {}): Promise<void> {
    const steps = [{ kind: 'end', id: 'done' }];
    const made = await this.api.post('/api/journeys/templates', { key, name: key, entry, steps });
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
    await this.api.post(`/api/journeys/templates/${key}/publish`, {});
    await this.query(
      `update journey_versions set plan = plan || $2::jsonb
        where journey_id = (select id from journeys where key = $1)`,
      key,
      JSON.stringify(plan),
    );
  }

  /** Lets a person into a journey. */
  async enter(userId: string, journey: string, more: object = {}): Promise<RunReference & { readonly id: string }> {
    const { status, body } = await this.api.post(`/api/journeys/${userId}/enroll`, { journey, ...more });
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
    const { run_key: runKey, id } = body as { run_key: string; id: string };
    return { id, runKey, userId, journeyKey: journey, journeyVersion: 1 };
  }

  /** The messages to a run that wait in the outbox, oldest first, its start left out. */
  async told(runKey: string): Promise<readonly unknown[]> {
    const rows = await this.query<{ payload: unknown }>(
      `select payload from outbox where run_key = $1 and kind <> 'start_run' order by id`,
      runKey,
    );
    return rows.map(({ payload }) => payload);
  }

  /** Stores an event of now, later than all before: in the millisecond of an entry it would count as before the entry. */
  async event(userId: string, name: string, more: object = {}): Promise<void> {
    await setTimeout(MILLISECOND_OVER);
    const { status, body } = await this.api.post('/api/events', { user_id: userId, event_name: name, ...more });
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  }
}
