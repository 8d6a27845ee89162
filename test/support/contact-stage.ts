import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { StepsService } from '../../src/modules/steps/index.js';
import { readConfig } from '../../src/platform/config/config.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from './app.js';
import { startSmtp, type TestSmtp } from './smtp.js';

type RunStepRequest = Parameters<StepsService['run']>[0];

/** Settings of processes in which nothing happens beside the steps that a spec asks for. */
export const NO_NOISE = { OUTBOX_POLL_MS: '60000', LOG_LEVEL: 'fatal', TEMPORAL_ADDRESS: '127.0.0.1:9' };
/** For the spec's own questions, beside the connections under test. */
const CONNECTIONS_OF_SPEC = 2;

/** One person with a place in journeys. */
export interface Contactee {
  readonly id: string;
  readonly email: string;
}

/** Several processes of the product, as far as a step can tell: one database, one mail server, a pool each. */
export class ContactStage {
  private people = 0;

  private constructor(
    private readonly apps: readonly NestFastifyApplication[],
    readonly smtp: TestSmtp,
    readonly database: Database,
  ) {}

  static async open(processes: number, connectionsEach: number): Promise<ContactStage> {
    const smtp = await startSmtp();
    const settings = { SMTP_URL: smtp.url, DATABASE_POOL_MAX: String(connectionsEach), ...NO_NOISE };
    const apps: NestFastifyApplication[] = [];
    for (let process = 0; process < processes; process += 1) apps.push(await createTestApp(settings));
    const { url } = readConfig().database;
    return new ContactStage(apps, smtp, new Database({ url, poolMax: CONNECTIONS_OF_SPEC }));
  }

  async close(): Promise<void> {
    for (const app of this.apps) await app.close();
    await this.database.onApplicationShutdown();
    await this.smtp.stop();
  }

  /** A service of one of the processes. */
  get<T extends object>(token: new (...dependencies: never[]) => T, process = 0): T {
    return this.appOf(process).get<T>(token as Type<T>);
  }

  private appOf(process: number): NestFastifyApplication {
    const app = this.apps[process % this.apps.length];
    if (app === undefined) throw new Error('a stage without a process');
    return app;
  }

  async send<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object): Promise<T> {
    const response = await this.appOf(0).inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    if (response.statusCode >= 300) throw new Error(`${method} ${url}: ${response.statusCode} ${response.body}`);
    return (response.body === '' ? null : response.json<T>()) as T;
  }

  /** One request as it is, answered whatever it is. */
  inject(request: Parameters<NestFastifyApplication['inject']>[0]): ReturnType<NestFastifyApplication['inject']> {
    return this.appOf(0).inject(request);
  }

  query<Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> {
    return this.database.query<Row>({ text, values });
  }

  /** An e-mail under `key`, with the tags that caps look at. */
  template(key: string, tags: readonly string[] = [], html = '<p>Hello</p>'): Promise<unknown> {
    const links = '{{ unsubscribe_url }} {{ company.address }}';
    const content = { subject: 'Hello', html: `${html}<p>${links}</p>`, text: `Hello\n${links}` };
    return this.send('POST', '/api/message-templates', {
      key,
      channel: 'email',
      purpose: 'marketing',
      tags,
      ...content,
    });
  }

  /** An action that sends the template; its group is what caps of a group look at. */
  async action(key: string, template: string, tags: readonly string[], group: string | null): Promise<void> {
    await this.send('POST', '/api/actions', { key, name: key, template, tags });
    await this.query('update actions set action_group = $2 where key = $1', key, group);
  }

  async journey(key: string, template: string): Promise<void> {
    const steps = [
      { kind: 'message', id: 'hello', channel: 'email', template },
      { kind: 'end', id: 'done' },
    ];
    await this.send('POST', '/api/journeys/templates', { key, name: key, entry: { mode: 'parallel' }, steps });
    await this.send('POST', `/api/journeys/templates/${key}/publish`, {});
  }

  /** Puts one more policy in force; the returned function lifts it. */
  async policy(key: string, definition: object): Promise<() => Promise<void>> {
    await this.send('POST', '/api/policies', { key, definition: { kind: 'cap', ...definition } });
    return () => this.send('DELETE', `/api/policies/${key}`);
  }

  async person(
    profile: { readonly localPart?: string; readonly timezone?: string; readonly phone?: string } = {},
  ): Promise<Contactee> {
    this.people += 1;
    const { localPart = 'person', ...more } = profile;
    const email = `${localPart}-${this.people}@example.org`;
    const { id } = await this.send<{ id: string }>('POST', '/api/users', { email, name: 'Ada', ...more });
    await this.send('POST', '/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
    return { id, email };
  }

  /** Lets a person into a journey so many times; no workflow is started. */
  async enter(userId: string, journey: string, times = 1): Promise<readonly string[]> {
    const rows = await this.query<{ runKey: string }>(
      `insert into journey_entries (run_key, journey_id, version, user_id, entry_key, source)
        select concat_ws(':', key, $1::text, entry, gen_random_uuid()), id, current_version, $1::uuid,
          gen_random_uuid(), 'spec'
        from journeys, generate_series(1, $3::int) entry where key = $2
        returning run_key as "runKey"`,
      userId,
      journey,
      times,
    );
    return rows.map(({ runKey }) => runKey);
  }

  /** The question of one run at its message step, as the n-th process would ask it. */
  ask(request: RunStepRequest, process = 0): Promise<StepAnswer> {
    return this.get(StepsService, process).run(request);
  }

  /** @returns the places of a person's chain of decisions at which it does not verify */
  brokenLinks(userId: string): Promise<readonly object[]> {
    return this.query(
      `with link as (
        select chain_seq, chain_hash, payload_hash, lag(chain_hash, 1, ''::bytea) over (order by chain_seq) as previous
        from decisions where user_id = $1
      ) select chain_seq from link where chain_hash <> sha256(previous || payload_hash)`,
      userId,
    );
  }
}

/** Which run asks. */
export interface RunOfPerson {
  readonly runKey: string;
  readonly userId: string;
  readonly journeyKey: string;
}

/** What a run asks at a message step with this template. */
export function messageRequest(run: RunOfPerson, template: string, ask = 1): RunStepRequest {
  const step = {
    kind: 'message',
    id: 'hello',
    channel: 'email',
    template,
    onRefusal: 'continue',
    next: 'done',
  } as const;
  return { run: { ...run, journeyVersion: 1 }, step, visit: 1, ask, clock: { kind: 'real' } };
}

/** What a run asks at a step that weighs these actions. */
export function decideRequest(run: RunOfPerson, actions: readonly string[]): RunStepRequest {
  const step = { kind: 'decide', id: 'weigh', actions, onRefusal: 'continue', next: 'done' } as const;
  return { run: { ...run, journeyVersion: 1 }, step, visit: 1, ask: 1, clock: { kind: 'real' } };
}
