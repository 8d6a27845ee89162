import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { DecisionsRepository } from '../../src/modules/decisions/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Answer, type Client } from '../support/client.js';
import { lockWaits, stall } from '../support/concurrency.js';
import { consenting, makeActions } from '../support/marketing.js';

const SETUP_MS_MAX = 120_000;

interface Explanation {
  readonly id: string | null;
  readonly action: string;
  readonly candidates: readonly { readonly action: string; readonly context: number }[];
}

describe('POST /api/decisions/next-best-action', () => {
  let app: NestFastifyApplication;
  let api: Client;

  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    await makeActions(api, 'offer', 'tips');
  }, SETUP_MS_MAX);
  afterAll(async () => {
    await app.close();
  });
  afterEach(() => jest.restoreAllMocks());

  const query = <Row extends object>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    app.get(Database).query<Row>({ text, values });
  const ask = (body: object): Promise<Answer> => api.post('/api/decisions/next-best-action', body);
  const stored = async (userId: string): Promise<number> =>
    (await query('select from decisions where user_id = $1', userId)).length;

  /** The statements that PostgreSQL is sent while `work` runs. */
  async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
    const spy = jest.spyOn(pg.Client.prototype, 'query');
    await work();
    const calls = spy.mock.calls as unknown as readonly [string | { readonly name?: string; readonly text: string }][];
    const sent = calls.map(([statement]) =>
      typeof statement === 'string' ? statement : (statement.name ?? statement.text),
    );
    spy.mockRestore();
    return sent;
  }

  it('takes one statement that reads and one that records', async () => {
    const userId = await consenting(api, { external_id: 'two-statements' });
    await ask({ user_id: userId });
    expect(await statementsOf(() => ask({ user_id: userId }))).toEqual(['facts_id', 'decisions_append_1']);
    const byExternalId = { user_id: 'ext:two-statements' };
    expect(await statementsOf(() => ask(byExternalId))).toEqual(['facts_external', 'decisions_append_1']);
    expect(await statementsOf(() => ask({ user_id: userId, dry_run: true }))).toEqual(['facts_id']);
  });

  it('records what it answers, and a dry run nothing', async () => {
    const userId = await consenting(api);
    const dry = (await ask({ user_id: userId, dry_run: true })).body as Explanation;
    expect([dry.id, await stored(userId)]).toEqual([null, 0]);
    const { status, body } = await ask({ user_id: userId });
    expect({ status, action: (body as Explanation).action }).toEqual({ status: 201, action: 'offer' });
    const again = await api.get(`/api/decisions/${(body as Explanation).id}/explain`);
    expect(again.body).toEqual(body);
  });

  it('weighs context as the actions say', async () => {
    const weights = [{ key: 'page', value: 'help', weight: 300 }];
    await api.put('/api/actions/tips', { name: 'tips', template: 'tips', value: 1, context_weights: weights });
    const user_id = await consenting(api);
    const inContext = async (context: object | undefined): Promise<Explanation> =>
      (await ask({ user_id, ...(context === undefined ? {} : { context }) })).body as Explanation;
    expect((await inContext(undefined)).action).toBe('offer');
    expect((await inContext({ page: 'home' })).action).toBe('offer');
    const inHelp = await inContext({ page: 'help', visits: 3, is_new: true, referrer: null });
    expect(inHelp.action).toBe('tips');
    expect(inHelp.candidates.find(({ action }) => action === 'tips')?.context).toBe(4);
    expect((await api.get(`/api/decisions/${inHelp.id}/explain`)).body).toEqual(inHelp);
  });

  it.each([
    [Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 1]))],
    [{ page: { nested: 1 } }],
    [{ page: [1] }],
    [{ 'No Key': 1 }],
    [{ page: 'x'.repeat(201) }],
    ['page'],
  ])('refuses a context that is none: %j', async (context) => {
    const { status, body } = await ask({ user_id: await api.user(), context });
    expect({ status, code: (body as { code: string }).code }).toEqual({ status: 400, code: 'INVALID_INPUT' });
  });

  it('knows nobody under an unknown id, and nobody who was erased', async () => {
    const erased = await consenting(api, { external_id: 'to-be-erased' });
    await api.remove(`/api/users/${erased}`);
    const codeOf = async (user_id: string): Promise<unknown> => {
      const { status, body } = await ask({ user_id });
      return [status, (body as { code: string }).code];
    };
    expect(await codeOf(erased)).toEqual([410, 'USER_ERASED']);
    expect(await codeOf('ext:to-be-erased')).toEqual([404, 'USER_UNKNOWN']);
    expect(await codeOf('01890a5d-ac96-774b-bcce-b302099a8057')).toEqual([404, 'USER_UNKNOWN']);
    expect(await stored(erased)).toBe(0);
  });

  it('knows no action that is misspelt, and says which', async () => {
    const user_id = await consenting(api);
    const refusal = { status: 422, body: { code: 'UNKNOWN_REFERENCE', errors: [{ path: 'actions[1]' }] } };
    const body = { actions: ['offer', 'ofer'] };
    expect(await ask({ user_id, ...body })).toMatchObject(refusal);
    expect(await ask({ user_id, ...body, dry_run: true })).toMatchObject(refusal);
    const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
    const batch = { user_ids: [unknown, user_id], ...body };
    expect(await api.post('/api/decisions/next-best-action/batch', batch)).toMatchObject(refusal);
    expect(await stored(user_id)).toBe(0);
  });

  it('brings nothing back that an erasure took while the decision was made', async () => {
    const userId = await consenting(api);
    const decisions = app.get(DecisionsRepository);
    const append = stall(decisions.appendUnlocked.bind(decisions));
    jest.spyOn(decisions, 'appendUnlocked').mockImplementationOnce(append.call);
    const asked = ask({ user_id: userId });
    await append.arrived;
    await api.remove(`/api/users/${userId}`);
    append.goOn();
    expect((await asked).status).toBe(410);
    expect(await stored(userId)).toBe(0);
  });

  it('waits for an erasure that is under way, and then writes nothing', async () => {
    const userId = await consenting(api);
    const database = app.get(Database);
    let asked: Promise<Answer> | undefined;
    await database.transaction(async (transaction) => {
      await transaction.query({ text: 'select from contact_state where user_id = $1 for update', values: [userId] });
      asked = ask({ user_id: userId });
      await lockWaits(database, 'decisions');
      await app.get(DecisionsRepository).eraseUser(transaction, userId);
    });
    expect((await asked)?.status).toBe(410);
    expect(await stored(userId)).toBe(0);
  });

  it('keeps the chain of a user whole, however many ask at once', async () => {
    const userId = await consenting(api);
    await Promise.all(Array.from({ length: 20 }, () => ask({ user_id: userId })));
    const { body } = await api.get(`/api/decisions/verify?user_id=${userId}`);
    expect(body).toMatchObject({ is_intact: true, decisions: 20, made_again: 20 });
  });

  it('reads and records about many at once with few statements, and tells each their own', async () => {
    const userIds = await Promise.all(Array.from({ length: 21 }, () => consenting(api)));
    await api.remove(`/api/users/${userIds[7]}`);
    const references = userIds.flatMap((id) => [id, id]);
    let answers: readonly Answer[] = [];
    const sent = await statementsOf(async () => {
      answers = await Promise.all(references.map((user_id) => ask({ user_id })));
    });
    for (const [index, { status, body }] of answers.entries()) {
      const isErased = references[index] === userIds[7];
      expect(status).toBe(isErased ? 410 : 201);
      if (!isErased) expect((body as { user_id: string }).user_id).toBe(references[index]);
    }
    expect(sent.filter((name) => name.startsWith('facts_')).length).toBeLessThan(references.length / 2);
    expect(sent).toContainEqual(expect.stringMatching(/^decisions_append_(2|4|8|16)$/));
    for (const id of userIds.filter((_, index) => index !== 7)) {
      const { body } = await api.get(`/api/decisions/verify?user_id=${id}`);
      expect(body).toMatchObject({ is_intact: true, decisions: 2, made_again: 2 });
    }
  });

  it('does not keep others waiting for one whose contact is being claimed', async () => {
    const [claimed, ...others] = await Promise.all(Array.from({ length: 6 }, () => consenting(api)));
    const database = app.get(Database);
    let late: Promise<Answer> | undefined;
    await database.transaction(async (transaction) => {
      await transaction.query({ text: 'select from contact_state where user_id = $1 for update', values: [claimed] });
      late = ask({ user_id: claimed });
      const answers = await Promise.all(others.map((user_id) => ask({ user_id })));
      expect(answers.map(({ status }) => status)).toEqual(others.map(() => 201));
      await lockWaits(database, 'decisions');
      expect(await stored(claimed ?? '')).toBe(0);
    });
    expect((await late)?.status).toBe(201);
    expect(await stored(claimed ?? '')).toBe(1);
  });

  it('writes nothing about one who is erased while others are written with them', async () => {
    const [erased = '', ...others] = await Promise.all(Array.from({ length: 4 }, () => consenting(api)));
    const decisions = app.get(DecisionsRepository);
    const append = decisions.appendUnlocked.bind(decisions);
    const all = Promise.withResolvers<void>();
    let waiting = 0;
    jest.spyOn(decisions, 'appendUnlocked').mockImplementation(async (decision) => {
      waiting += 1;
      if (waiting === 4) {
        await api.remove(`/api/users/${erased}`);
        all.resolve();
      }
      await all.promise;
      return append(decision);
    });
    const answers = await Promise.all([erased, ...others].map((user_id) => ask({ user_id })));
    expect(answers.map(({ status }) => status)).toEqual([410, 201, 201, 201]);
    expect(await Promise.all([erased, ...others].map(stored))).toEqual([0, 1, 1, 1]);
  });

  it('stores definitions once for all decisions on them', async () => {
    const bodies = async (): Promise<number> => (await query('select from decision_definitions')).length;
    const user_id = await consenting(api);
    await ask({ user_id });
    const before = await bodies();
    await Promise.all(Array.from({ length: 5 }, () => ask({ user_id })));
    expect(await bodies()).toBe(before);
    await api.put('/api/actions/tips', { name: 'tips', template: 'tips', value: 0.5 });
    await ask({ user_id });
    expect(await bodies()).toBe(before + 1);
  });

  it('tells in the list when a deferred one is asked again', async () => {
    const quiet = { kind: 'quiet_hours', start: '00:00', end: '00:00', allow_long: true };
    const today = (new Date().getUTCDay() + 6) % 7;
    // The day may end meanwhile.
    const weekdays = [1 + today, 1 + ((today + 1) % 7)];
    await api.post('/api/policies', { key: 'today', definition: { ...quiet, weekdays } });
    const userId = await consenting(api, { timezone: 'UTC' });
    const { until } = (await ask({ user_id: userId })).body as { until: string };
    const { body } = await api.get(`/api/decisions?user_id=${userId}`);
    expect(Date.parse(until)).toBeGreaterThan(Date.now());
    expect(body).toMatchObject({ data: [{ outcome: 'defer', until }] });
    await api.remove('/api/policies/today');
  });
});
