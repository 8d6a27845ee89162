import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { assignmentFraction } from '../../src/core/kernel/stable-hash.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { consenting, makeActions } from '../support/marketing.js';

const PATIENCE_MS = 120_000;

/** One contact, so many hours ago, and what became of it. */
interface Made {
  readonly ago: number;
  readonly outcomes?: readonly { readonly kind: string; readonly ago: number }[];
  readonly purpose?: string;
  readonly action?: string;
  readonly group?: string | null;
  readonly channel?: string;
  readonly state?: string;
  /** What rests on a contract stands in no ledger. */
  readonly isCounted?: boolean;
}

const dismissed = (ago: number, more: object = {}): Made => ({
  ago,
  outcomes: [{ kind: 'dismissed', ago: ago - 1 }],
  ...more,
});

describe('previews of policies that go by more than contacts', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    await makeActions(api, 'offer');
  }, PATIENCE_MS);
  afterAll(async () => {
    await app.close();
  });
  beforeEach(async () => {
    for (const table of ['contact_ledger', 'contact_outcomes']) await query(`delete from ${table}`);
  });

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const person = (): Promise<string> => api.user({ email: `${crypto.randomUUID()}@example.org` });
  const before = (hours: string): string =>
    `date_trunc('milliseconds', now()) - make_interval(secs => ${hours} * 3600)`;

  async function contacted(userId: string, ...history: readonly Made[]): Promise<void> {
    for (const { ago, outcomes = [], isCounted = true, ...more } of history) {
      const about = { purpose: 'marketing', action: 'offer', group: 'deals', channel: 'email', state: 'sent', ...more };
      const { purpose, action, group, channel, state } = about;
      const [delivery, decision] = [crypto.randomUUID(), crypto.randomUUID()];
      const shared = [delivery, decision, userId, channel, purpose, action, group];
      if (isCounted) {
        await query(
          `insert into contact_ledger (delivery_id, decision_id, user_id, channel, purpose, action, action_group, at, state)
            values ($1, $2, $3, $4, $5, $6, $7, ${before('$8::float8')}, $9)`,
          ...shared,
          ago,
          state,
        );
      }
      for (const outcome of outcomes) {
        await query(
          `insert into contact_outcomes (delivery_id, decision_id, user_id, channel, purpose, action, action_group, at, kind)
            values ($1, $2, $3, $4, $5, $6, $7, ${before('$8::float8')}, $9)`,
          ...shared,
          outcome.ago,
          outcome.kind,
        );
      }
    }
  }
  const preview = async (definition: object, more: object = {}): Promise<Record<string, unknown>> => {
    const answer = await api.post('/api/policies/preview', { definition, ...more });
    expect(answer.status).toBe(200);
    return answer.body as Record<string, unknown>;
  };

  /** Two dismissals within two days: three days of rest. */
  const pause = {
    kind: 'pause',
    outcomes: ['dismissed'],
    count: 2,
    within: 'P2D',
    scope: 'action',
    pause_for: 'P3D',
  };
  /** A load of ln 2, 0.693, is a score of 0.5. */
  const fatigue = { kind: 'fatigue', half_life: 'P1D', contact_weight: 0.4, threshold: 0.5 };
  const everybody = { kind: 'holdout', share: 1, salt: 'all' };
  const RULES: readonly (readonly [string, object])[] = [
    ['a pause', pause],
    ['fatigue', fatigue],
    ['a holdout', everybody],
  ];

  describe('of a pause', () => {
    it('stop what comes while it lasts, and nothing that was stopped begins it anew', async () => {
      const [one, two] = [await person(), await person()];
      // Dismissed 239 and 215 hours ago: at rest until 143 hours ago. The dismissals of what was stopped do not count, so
      // 119 and 95 hours ago two more make the next rest, until 23 hours ago.
      await contacted(one, ...[240, 216, 192, 168, 120, 96, 72, 20].map((ago) => dismissed(ago)));
      // Another action does not rest, nor what is for another purpose.
      await contacted(two, dismissed(200), dismissed(190));
      await contacted(two, dismissed(180, { action: 'other' }), dismissed(170, { purpose: 'news' }), dismissed(160));
      expect(await preview(pause)).toMatchObject({
        users: 2,
        contacts: 13,
        would_stop: 4,
        would_stop_share: 4 / 13,
        by_channel: [{ channel: 'email', contacts: 13, would_stop: 4 }],
        by_journey: [{ journey: null, contacts: 13, would_stop: 4 }],
      });
      expect(await preview({ ...pause, scope: 'channel' })).toMatchObject({ would_stop: 5 });
      expect(await preview({ ...pause, purposes: ['news'] })).toMatchObject({ would_stop: 0 });
    });

    it('count what came before the period, and what became of messages that nothing could have stopped', async () => {
      const [early, bought, longAgo] = [await person(), await person(), await person()];
      await contacted(early, dismissed(80), dismissed(60), { ago: 20 });
      await contacted(bought, dismissed(30, { isCounted: false }), dismissed(29, { isCounted: false }), { ago: 20 });
      // Of a contact that lies before all that is read.
      await contacted(longAgo, { ago: 900, outcomes: [{ kind: 'dismissed', ago: 30 }] }, dismissed(26), { ago: 20 });
      expect(await preview(pause, { days: 1 })).toMatchObject({ users: 3, contacts: 3, would_stop: 3 });
    });

    it('read off the contacts themselves that they were sent or failed', async () => {
      const userId = await person();
      await contacted(userId, { ago: 50 }, { ago: 40, state: 'failed' }, { ago: 30, state: 'delivered' }, { ago: 20 });
      expect(await preview({ ...pause, outcomes: ['sent'] })).toMatchObject({ contacts: 4, would_stop: 1 });
      expect(await preview({ ...pause, outcomes: ['failed'], count: 1 })).toMatchObject({ would_stop: 2 });
    });

    it('pass over outcomes of virtual runs', async () => {
      const userId = await person();
      await contacted(userId, dismissed(50), dismissed(40), { ago: 20 });
      await query(`update contact_outcomes set clock_domain = 'try'`);
      expect(await preview(pause)).toMatchObject({ contacts: 3, would_stop: 0 });
    });
  });

  describe('of a threshold of fatigue', () => {
    it('stop who is tired, and nobody is tired by what was stopped', async () => {
      const [often, daily, lost] = [await person(), await person(), await person()];
      // Loads before each of the eight, half a day apart: 0, 0.28, 0.48, 0.62, 0.72 (stopped), 0.51, 0.64, 0.74 (stopped).
      await contacted(often, ...[96, 84, 72, 60, 48, 36, 24, 12].map((ago) => ({ ago })));
      await contacted(daily, ...[96, 72, 48, 24].map((ago) => ({ ago })));
      await contacted(lost, ...[4, 3, 2].map((ago) => ({ ago, state: 'bounced' })));
      expect(await preview(fatigue)).toMatchObject({ users: 3, contacts: 15, would_stop: 2 });
    });

    it('weigh outcomes, of any purpose, and not those of what was stopped', async () => {
      const [complaining, keen] = [await person(), await person()];
      const complained = (ago: number, told: number): Made => ({ ago, outcomes: [{ kind: 'complained', ago: told }] });
      // 0.37 + 1.15 when the second is to be made: stopped, and its complaint with it, else the last would be too: 0.58.
      await contacted(complaining, complained(40, 39), complained(37.6, 37), { ago: 4 });
      const clicks = { ago: 60, purpose: 'receipts', isCounted: false, outcomes: [{ kind: 'clicked', ago: 59 }] };
      await contacted(keen, clicks, ...[50, 49.9, 49.8, 49.7].map((ago) => ({ ago })));
      const weights = { complained: 1.2, clicked: -1 };
      expect(await preview({ ...fatigue, outcome_weights: weights })).toMatchObject({ contacts: 7, would_stop: 1 });
      // Without the click in between the last two of the other are too many.
      expect(await preview(fatigue)).toMatchObject({ contacts: 7, would_stop: 2 });
    });

    it('count what tired people before the period', async () => {
      const userId = await person();
      await contacted(userId, { ago: 26 }, { ago: 25 }, { ago: 20 });
      expect(await preview({ ...fatigue, half_life: 'P3D' }, { days: 1 })).toMatchObject({
        contacts: 1,
        would_stop: 1,
      });
    });
  });

  describe('of a holdout', () => {
    it('stop all that its purposes name, for the users of its hash and no other', async () => {
      const users = await Promise.all(Array.from({ length: 12 }, () => person()));
      for (const userId of users) await contacted(userId, { ago: 30 }, { ago: 20 }, { ago: 10, purpose: 'news' });
      const held = users.filter((userId) => assignmentFraction('spring', userId) < 0.5).length;
      const some = { kind: 'holdout', share: 0.5, salt: 'spring' };
      expect(await preview(some)).toMatchObject({ users: 12, contacts: 36, would_stop: 2 * held });
      expect(await preview({ ...some, purposes: ['news'] })).toMatchObject({ would_stop: held });
      expect(await preview(everybody)).toMatchObject({ would_stop: 24 });
      expect(await preview({ ...everybody, share: 0 })).toMatchObject({ would_stop: 0 });
    });
  });

  describe('of each of them', () => {
    it.each(RULES)('under %s, answer none where there is nothing to look at', async (_what, definition) => {
      const nothing = { users: 0, contacts: 0, would_stop: 0, would_stop_share: 0 };
      const empty = { ...nothing, by_channel: [], by_journey: [], by_day: [] };
      expect(await preview(definition)).toMatchObject(empty);
      // Somebody of whom only outcomes are known was not contacted.
      await contacted(await person(), dismissed(20, { isCounted: false }));
      expect(await preview(definition)).toMatchObject(empty);
    });

    it.each(RULES)('under %s, count contacts with a person who was erased since', async (_what, definition) => {
      const [erased, other] = [await person(), await person()];
      for (const userId of [erased, other]) await contacted(userId, dismissed(50), dismissed(49.9), { ago: 48 });
      const counts = ({ took_ms: _took, from: _from, until: _until, ...rest }: Record<string, unknown>): object => rest;
      const known = counts(await preview(definition));
      expect(known).toMatchObject({ users: 2, contacts: 6 });
      expect((await api.remove(`/api/users/${erased}`)).status).toBe(204);
      expect(counts(await preview(definition))).toEqual(known);
      expect(JSON.stringify(known)).not.toContain(erased);
    });

    it.each<[string, object, (users: readonly string[]) => number]>([
      ['a pause', pause, () => 4],
      ['fatigue', { ...fatigue, contact_weight: 0.1, outcome_weights: { complained: 1.2, clicked: -1 } }, () => 2],
      [
        'a holdout',
        { kind: 'holdout', share: 0.5, salt: 'autumn' },
        (users) => users.filter((userId) => assignmentFraction('autumn', userId) < 0.5).length,
      ],
    ])(
      'under %s, stop a contact just where the decision about it would have stopped it',
      async (_what, definition, stoppedOf) => {
        const complained = { kind: 'complained', ago: 2 };
        const clicked: Made = { ago: 30, outcomes: [{ kind: 'clicked', ago: 27 }] };
        const histories: readonly (readonly Made[])[] = [
          [],
          [dismissed(30)],
          [dismissed(40), dismissed(30)],
          [dismissed(90), dismissed(30)],
          [dismissed(40, { isCounted: false }), dismissed(30, { isCounted: false })],
          [dismissed(28), dismissed(27, { action: 'other' }), dismissed(26), clicked],
          [{ ago: 28 }, { ago: 27 }, { ago: 26 }, { ago: 25 }],
          [{ ago: 30, outcomes: [complained] }],
          [{ ago: 30, outcomes: [complained], isCounted: false, purpose: 'receipts' }],
          [{ ago: 30, outcomes: [complained, { kind: 'clicked', ago: 1 }] }],
          [dismissed(26.5), dismissed(26.4, { state: 'bounced' }), dismissed(26.3)],
        ];
        const users = await Promise.all(histories.map(() => consenting(api)));
        for (const [index, userId] of users.entries()) await contacted(userId, ...(histories[index] ?? []));
        const key = `tried_${(definition as { kind: string }).kind}`;
        expect((await api.post('/api/policies', { key, definition })).status).toBe(201);
        const decided = await Promise.all(
          users.map((user_id) => api.post('/api/decisions/next-best-action', { user_id, dry_run: true })),
        );
        await api.remove(`/api/policies/${key}`);
        const silent = decided.filter(({ body }) => (body as { action: string }).action === 'none').length;
        expect(silent).toBe(stoppedOf(users));
        for (const userId of users) await contacted(userId, { ago: 0 });
        // Of all histories only the new contacts lie within a day.
        const found = await preview(definition, { days: 1 });
        expect(found).toMatchObject({ users: users.length, contacts: users.length, would_stop: silent });
      },
      PATIENCE_MS,
    );

    it(
      'read users in parts, whatever belongs to whom',
      async () => {
        const hours = [100, 90, 80, 70];
        await query(
          `insert into contact_ledger (delivery_id, decision_id, user_id, channel, purpose, action, at, state)
            select uuidv7(), uuidv7(), person, 'email', 'marketing', 'offer', ${before('ago')}, 'sent'
            from (select uuidv7() as person from generate_series(1, 500)) people, unnest($1::int[]) as ago`,
          hours,
        );
        await query(
          `insert into contact_outcomes (delivery_id, decision_id, user_id, channel, purpose, action, at, kind)
            select delivery_id, decision_id, user_id, channel, purpose, action, at + make_interval(hours => 1), 'dismissed'
            from contact_ledger`,
        );
        expect(await preview(pause)).toMatchObject({ users: 500, contacts: 2_000, would_stop: 1_000 });
        const sampled = await preview(pause, { sample: 0.25 });
        const { users, contacts, would_stop } = sampled as Record<'users' | 'contacts' | 'would_stop', number>;
        expect(users).toBeGreaterThan(60);
        expect(users).toBeLessThan(200);
        expect([contacts, would_stop]).toEqual([users * 4, users * 2]);
        const { took_ms: _took, from: _from, until: _until, ...again } = await preview(pause, { sample: 0.25 });
        expect(sampled).toMatchObject(again);
      },
      PATIENCE_MS,
    );

    it('tell what cannot be replayed, and why', async () => {
      for (const [definition, path, reason] of [
        [{ ...fatigue, threshold: null }, 'definition.threshold', 'stops nothing by itself'],
        [{ kind: 'holdout', share: 0.1 }, 'definition.salt', 'who is held out'],
        [{ kind: 'lever', target: 'issue', name: 'a', weight: 1 }, 'definition.kind', 'stop none by themselves'],
      ] as const) {
        const answer = await api.post('/api/policies/preview', { definition });
        expect(answer).toMatchObject({ status: 400, body: { errors: [{ path }] } });
        expect(JSON.stringify(answer.body)).toContain(reason);
      }
    });
  });
});
