import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Step } from '../../src/core/journeys/plan.js';
import type { RunClock } from '../../src/core/journeys/run-reference.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { StepsService } from '../../src/modules/steps/index.js';
import { Database } from '../../src/platform/database/database.js';
import { clientOf } from './client.js';

/** A person who agreed to marketing by e-mail, in a run that stands before a message. */
export interface StagedPerson {
  readonly id: string;
  readonly email: string;
  /** Asks the message step of a new run, through the real claim. @param template `offer` (marketing) or `receipt` */
  ask(template?: 'offer' | 'receipt', clock?: RunClock): Promise<StepAnswer>;
  /** A new run before an offer; each call of `ask` puts the same question. */
  run(): Promise<{ readonly runKey: string; ask(): Promise<StepAnswer> }>;
  /** Claims and sends an offer. @returns the id of the delivery */
  send(clock?: RunClock): Promise<string>;
}

/** Puts templates and a journey in place, by the API. To be called once for an app. */
export async function stageSteps(app: NestFastifyApplication) {
  const api = clientOf(app);
  const content = { channel: 'email', subject: 'Hello', html: '<p>Hello</p>', text: 'Hello' };
  const link = '{{ unsubscribe_url }} {{ company.address }}';
  await made(
    api.post('/api/message-templates', {
      ...content,
      key: 'offer',
      purpose: 'marketing',
      html: `<p><a href="{{ unsubscribe_url }}">unsubscribe</a> {{ company.address }}</p>`,
      text: link,
    }),
  );
  const receipt = { ...content, key: 'receipt', purpose: 'transactional', legal_basis: 'contract' };
  await made(api.post('/api/message-templates', receipt));
  const steps = [
    { kind: 'message', id: 'hello', channel: 'email', template: 'offer' },
    { kind: 'end', id: 'done' },
  ];
  await made(
    api.post('/api/journeys/templates', { key: 'staged', name: 'staged', entry: { mode: 'parallel' }, steps }),
  );
  await made(api.post('/api/journeys/templates/staged/publish', {}));
  let people = 0;
  let entries = 0;

  async function enter(userId: string, clock: RunClock): Promise<string> {
    entries += 1;
    const runKey = `staged:${userId}:${entries}`;
    await app.get(Database).query({
      text: `insert into journey_entries (run_key, journey_id, version, user_id, entry_key, source, clock_domain)
        select $1, id, 1, $2, $3, 'spec', $4 from journeys where key = 'staged'`,
      values: [runKey, userId, String(entries), clock.kind === 'real' ? 'real' : clock.domain],
    });
    return runKey;
  }

  async function ask(userId: string, template: string, clock: RunClock): Promise<StepAnswer> {
    return askAs(await enter(userId, clock), userId, template, clock);
  }

  function askAs(runKey: string, userId: string, template: string, clock: RunClock): Promise<StepAnswer> {
    const step: Extract<Step, { kind: 'message' }> = {
      kind: 'message',
      id: 'hello',
      channel: 'email',
      template,
      onRefusal: 'continue',
      next: 'done',
    };
    const run = { runKey, userId, journeyKey: 'staged', journeyVersion: 1 };
    return app.get(StepsService).run({ run, step, visit: 1, ask: 1, clock });
  }

  return {
    async person(email?: string): Promise<StagedPerson> {
      people += 1;
      const address = email ?? `staged-${people}@example.org`;
      const id = await api.user({ email: address });
      await made(api.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' }));
      return {
        id,
        email: address,
        ask: (template = 'offer', clock = { kind: 'real' }) => ask(id, template, clock),
        async run() {
          const clock = { kind: 'real' } as const;
          const runKey = await enter(id, clock);
          return { runKey, ask: () => askAs(runKey, id, 'offer', clock) };
        },
        async send(clock = { kind: 'real' }) {
          const answer = await ask(id, 'offer', clock);
          if (answer.kind !== 'sent') throw new Error(`not sent: ${JSON.stringify(answer)}`);
          return answer.deliveryId;
        },
      };
    },
  };
}

async function made(answering: Promise<{ readonly status: number; readonly body: unknown }>): Promise<void> {
  const { status, body } = await answering;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
}
