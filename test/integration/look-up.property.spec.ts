import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ListedMessage } from '../../src/core/delivery/look-up.js';
import { DeliveriesRepository } from '../../src/modules/deliveries/deliveries.repository.js';
import { ASKABLE, LookUps } from '../../src/modules/deliveries/look-ups.js';
import { LookUpsRepository } from '../../src/modules/deliveries/look-ups.repository.js';
import type { Outlets } from '../../src/modules/deliveries/outlets.js';
import { CONFIG } from '../../src/platform/config/config.module.js';
import type { Config } from '../../src/platform/config/config.js';
import { Database } from '../../src/platform/database/database.js';
import { Metrics } from '../../src/platform/observability/metrics.js';
import { createTestApp } from '../support/app.js';
import { NO_NOISE } from '../support/contact-stage.js';

const RUNS = 200;
const ALIVE_S = 90;
const AFTER_S = 60;
/** How long a provider may need to list what it took. */
const LISTED_S = AFTER_S - 1;
const ROUNDS_MAX = 20;

interface Attempt {
  readonly token: string;
  readonly claimedAt: number;
  taken: string | null;
  hasAnswered: boolean;
}

/** One that is under way. */
interface Question {
  /** As it was when the provider looked; null before that. */
  listed: readonly ListedMessage[] | null;
  readonly say: (listed: readonly ListedMessage[]) => void;
  round: Promise<unknown> | null;
}

type Action =
  | { readonly kind: 'claim' | 'callback' | 'ask' | 'list' | 'die' | 'give_up' }
  | { readonly kind: 'reach' | 'answer' | 'no_answer' | 'say'; readonly which: number }
  | { readonly kind: 'pass'; readonly seconds: number };

/** One message, its attempts, its provider, and whoever asks the provider; time passes when it is told to. */
class World {
  private readonly id = randomUUID();
  private readonly key = randomUUID();
  private now = 0;
  private readonly attempts: Attempt[] = [];
  private readonly taken: { readonly id: string; readonly at: number }[] = [];
  /** Questions under way: what was listed once the provider looked, and how to say it. */
  private questions: Question[] = [];
  private readonly lookUps: LookUps;

  constructor(private readonly app: NestFastifyApplication) {
    const ask = () =>
      new Promise<readonly ListedMessage[]>((say) => this.questions.push({ listed: null, say, round: null }));
    const outlets = { named: () => Promise.resolve({ connector: { ask }, circuit: { isClosed: true } }) };
    this.lookUps = new LookUps(
      app.get(Database),
      app.get(DeliveriesRepository),
      app.get(LookUpsRepository),
      outlets as unknown as Outlets,
      app.get(Metrics),
      app.get<Config>(CONFIG),
    );
  }

  async act(action: Action): Promise<void> {
    switch (action.kind) {
      case 'claim':
        return this.claim();
      case 'reach':
        return this.reach(this.attempts[action.which % this.attempts.length]);
      case 'answer':
        return this.answer(this.attempts[action.which % this.attempts.length]);
      case 'no_answer':
        return this.noAnswer(this.attempts[action.which % this.attempts.length]);
      case 'callback':
        return this.callback();
      case 'ask':
        return this.ask();
      case 'list':
        for (const question of this.questions) question.listed ??= this.list();
        return;
      case 'say':
        return this.say(action.which);
      case 'die':
        this.questions = [];
        return;
      case 'give_up':
        await this.app.get(DeliveriesRepository).settleOverdue({ id: this.id, limit: 1, askable: ASKABLE });
        return;
      case 'pass':
        return this.pass(action.seconds);
    }
  }

  async state(): Promise<string | null> {
    return (await this.app.get(DeliveriesRepository).find(this.id))?.state ?? null;
  }

  get takenTimes(): number {
    return this.taken.length;
  }

  /** Lets everything that is still to come come. */
  async end(): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      await this.claim();
      await this.pass(ALIVE_S + AFTER_S);
      await this.ask();
      for (const question of this.questions) question.listed ??= this.list();
      while (this.questions.length > 0) await this.say(0);
    }
  }

  private async claim(): Promise<void> {
    const state = await this.state();
    if (state !== null && state !== 'released') return;
    const token = randomUUID();
    await this.app.get(Database).transaction((transaction) =>
      this.app.get(DeliveriesRepository).claim(transaction, {
        ...{ deliveryId: this.id, idempotencyKey: this.key, userId: this.id, decisionId: this.id, runKey: this.key },
        ...{ stepId: 'hello', visit: 1, journeyKey: 'one', channel: 'email', provider: 'mark', action: 'hello' },
        ...{
          template: 'hello',
          templateVersion: 1,
          purpose: 'marketing',
          tags: [],
          isCounted: true,
          actionGroup: null,
        },
        ...{
          address: 'a@example.org',
          attemptToken: token,
          aliveMs: ALIVE_S * 1_000,
          clockDomain: 'real',
          claimedAt: 0,
        },
      }),
    );
    this.attempts.push({ token, claimedAt: this.now, taken: null, hasAnswered: false });
  }

  /** Only while the attempt can be alive. */
  private reach(attempt: Attempt | undefined): void {
    if (attempt === undefined || attempt.taken !== null || this.now - attempt.claimedAt >= ALIVE_S) return;
    attempt.taken = randomUUID();
    this.taken.push({ id: attempt.taken, at: this.now });
  }

  /** However late. */
  private async answer(attempt: Attempt | undefined): Promise<void> {
    if (attempt === undefined || attempt.taken === null || attempt.hasAnswered) return;
    attempt.hasAnswered = true;
    const settlement = { deliveryId: this.id, attemptToken: attempt.token, failure: null } as const;
    await this.app.get(DeliveriesRepository).settle({ ...settlement, state: 'sent', providerMessageId: attempt.taken });
  }

  private async noAnswer(attempt: Attempt | undefined): Promise<void> {
    if (attempt === undefined || attempt.hasAnswered || this.now - attempt.claimedAt >= ALIVE_S) return;
    attempt.hasAnswered = true;
    await this.lookUps.doubt({ deliveryId: this.id, attemptToken: attempt.token }, 'no answer');
  }

  private async callback(): Promise<void> {
    if (this.taken.length === 0 || (await this.state()) === 'released') return;
    await this.app
      .get(Database)
      .transaction((transaction) =>
        this.app
          .get(DeliveriesRepository)
          .advance(transaction, { deliveryId: this.id, state: 'delivered', failure: null }),
      );
  }

  private list(): readonly ListedMessage[] {
    return this.taken.filter(({ at }) => this.now - at >= LISTED_S).map(({ id }) => ({ id, isAlike: true }));
  }

  /** Until the question is on its way. */
  private async ask(): Promise<void> {
    const before = this.questions.length;
    let isOver = false;
    const round = this.lookUps.round().finally(() => (isOver = true));
    while (!isOver && this.questions.length === before) await new Promise((resolve) => setImmediate(resolve));
    for (const question of this.questions) question.round ??= round;
  }

  private async say(which: number): Promise<void> {
    const [question] = this.questions.splice(which % Math.max(this.questions.length, 1), 1);
    if (question === undefined) return;
    question.say(question.listed ?? this.list());
    await question.round;
  }

  private async pass(seconds: number): Promise<void> {
    this.now += seconds;
    await this.app.get(Database).query({
      text: `update deliveries set deadline_at = deadline_at - make_interval(secs => $2),
        ask_at = ask_at - make_interval(secs => $2), attempted_at = attempted_at - make_interval(secs => $2) where id = $1`,
      values: [this.id, seconds],
    });
  }
}

const which = fc.nat(5);
const actions = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('claim' as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('reach', 'answer', 'no_answer', 'say'), which }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('callback', 'ask', 'ask', 'list', 'die', 'give_up') }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.constantFrom(1, 30, 61, 95, 400) }),
    },
  ),
  { minLength: 5, maxLength: 40 },
);

describe('an attempt in doubt, in whatever order things happen', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    app = await createTestApp({ ...NO_NOISE, DATABASE_POOL_MAX: '6' });
    await app.inject({
      ...{ method: 'POST', url: '/api/providers' },
      payload: { key: 'mark', kind: 'postmark', credentials: { server_token: 'x' } },
    });
  }, 120_000);
  afterAll(() => app.close());

  it('never ends in a second message, and in none only where the doubt is shown', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (given) => {
        const world = new World(app);
        for (const action of given) {
          await world.act(action as Action);
          expect(world.takenTimes).toBeLessThanOrEqual(1);
        }
        const before = world.takenTimes;
        await world.end();
        const state = await world.state();
        expect({ state, taken: world.takenTimes }).not.toMatchObject({ state: 'released', taken: 1 });
        expect(world.takenTimes).toBe(before);
        if (before === 1 && state !== 'unknown') expect(['sent', 'delivered']).toContain(state);
        if (before === 0) expect(['sending', 'released', 'unknown']).toContain(state);
      }),
      { numRuns: RUNS },
    );
  }, 900_000);
});
