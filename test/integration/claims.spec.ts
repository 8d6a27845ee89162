import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { DecisionsRepository } from '../../src/modules/decisions/index.js';
import { AttemptAliveError } from '../../src/modules/steps/index.js';
import { lockWaits } from '../support/concurrency.js';
import { ContactStage, decideRequest, messageRequest, type Contactee } from '../support/contact-stage.js';
import { zoneByDay } from '../support/day-zone.js';

const RUNS = 50;
const PROCESSES = 2;
const CONNECTIONS_EACH = 4;
const ASKERS = 20;
/** Of each rule: CLAIMS_REPEATS=200 is what the product promises, and takes minutes. */
const IS_MEASURED = process.env['CLAIMS_REPEATS'] !== undefined;
const REPEATS = Number(process.env['CLAIMS_REPEATS'] ?? 8);
const REPEAT_MS_MAX = 60_000;
const START_MS_MAX = 120_000;
const CLOSE_MS_MAX = 120_000;

describe('runs of one person that reach the send at the same moment, in two processes on eight connections', () => {
  let stage: ContactStage;

  beforeAll(async () => {
    stage = await ContactStage.open(PROCESSES, CONNECTIONS_EACH);
    await stage.template('hello', ['promo', 'spring']);
    await stage.journey('one', 'hello');
  }, START_MS_MAX);
  afterAll(() => stage.close(), CLOSE_MS_MAX);

  /**
   * Asks for all runs while the user is locked, and lets go only when every connection stands before the lock. The rest is
   * asked for after that: a lock is waited for no longer than five seconds, and all of them need more on a busy machine.
   */
  async function askAtOnce(user: Contactee, runKeys: readonly string[]): Promise<readonly (StepAnswer | Error)[]> {
    let asked: Promise<readonly (StepAnswer | Error)[]> | undefined;
    await stage.database.transaction(async (transaction) => {
      await transaction.query({ text: 'select from contact_state where user_id = $1 for update', values: [user.id] });
      const ask = (runKey: string, index: number): Promise<StepAnswer | Error> =>
        stage
          .ask(messageRequest({ runKey, userId: user.id, journeyKey: 'one' }, 'hello'), index)
          .catch((error: Error) => error);
      const connections = PROCESSES * CONNECTIONS_EACH;
      const first = runKeys.slice(0, connections).map(ask);
      await lockWaits(stage.database, 'contact_state', connections);
      const rest = runKeys.slice(connections).map((runKey, index) => ask(runKey, connections + index));
      asked = Promise.all([...first, ...rest]);
    });
    return asked ?? [];
  }

  async function expectOneContact(
    user: Contactee,
    answers: readonly (StepAnswer | Error)[],
    by: { readonly rule: string; readonly window: string },
  ): Promise<void> {
    const given = answers.flatMap((answer) => (answer instanceof Error ? [] : [answer]));
    expect(given).toHaveLength(RUNS);
    const [winner, ...more] = given.filter(({ kind }) => kind === 'sent').map(({ decisionId }) => decisionId);
    expect(more).toEqual([]);
    expect(stage.smtp.taken.filter(({ to }) => to === user.email)).toHaveLength(1);
    expect(
      await stage.query('select decision_id as id, state from contact_ledger where user_id = $1', user.id),
    ).toEqual([{ id: winner, state: 'sent' }]);
    const ids = await stage.query<{ id: string }>('select id from decisions where user_id = $1', user.id);
    expect(new Set(ids.map(({ id }) => id))).toEqual(new Set(given.map(({ decisionId }) => decisionId)));
    const refusals = ids.filter(({ id }) => id !== winner);
    expect(refusals).toHaveLength(RUNS - 1);
    const facts = expect.objectContaining({ window: by.window, limit: 1, count: 1, decisionId: winner });
    const verdict = expect.objectContaining({ gate: 'caps', reason: 'CAP_REACHED', rule: by.rule, facts });
    for (const { id } of refusals) {
      const decision = (await stage.get(DecisionsRepository).find(id))?.payload?.decision;
      expect(decision?.outcome).toMatchObject({ reason: 'CAP_REACHED' });
      expect(decision?.gates).toContainEqual(verdict);
    }
    expect(await stage.brokenLinks(user.id)).toEqual([]);
  }

  it.each([
    ['day', { window: { kind: 'calendar', unit: 'day' } }, 'calendar day'],
    ['rolling', { window: { kind: 'rolling', duration: 'PT24H' } }, '24 hours'],
    ['gap', { window: { kind: 'min_gap', duration: 'PT6H' }, on_hit: 'defer' }, 'gap of 6 hours'],
    ['tag', { scope: { kind: 'tag', tag: 'promo' }, window: { kind: 'calendar', unit: 'week' } }, 'calendar week'],
    [
      'channel',
      { scope: { kind: 'channel', channel: 'email' }, window: { kind: 'rolling', duration: 'P7D' } },
      '7 days',
    ],
  ])(
    'under one by %s one is sent, and each of the others names the rule, its count and the winner',
    async (key, definition, window) => {
      const lift = await stage.policy(key, { limit: 1, ...definition });
      const startedAt = performance.now();
      for (let repeat = 0; repeat < REPEATS; repeat += 1) {
        const user = await stage.person({ timezone: zoneByDay() });
        const answers = await askAtOnce(user, await stage.enter(user.id, 'one', RUNS));
        await expectOneContact(user, answers, { rule: `${key}@1`, window });
      }
      if (IS_MEASURED) {
        const msEach = (performance.now() - startedAt) / REPEATS / RUNS;
        console.log(`${key}: ${REPEATS} times ${RUNS} claims, ${msEach.toFixed(1)} ms each`);
      }
      await lift();
    },
    REPEATS * REPEAT_MS_MAX,
  );

  it(
    'gives one answer to one question, however many processes ask it at once',
    async () => {
      const lift = await stage.policy('alike', { limit: 1, window: { kind: 'calendar', unit: 'day' } });
      const user = await stage.person({ timezone: zoneByDay() });
      const [runKey = ''] = await stage.enter(user.id, 'one');
      const asked = await askAtOnce(user, Array<string>(ASKERS).fill(runKey));
      // Those who come while the first one sends are told to come back.
      const answers = asked.filter((answer) => !(answer instanceof AttemptAliveError));
      const final = await stage.ask(messageRequest({ runKey, userId: user.id, journeyKey: 'one' }, 'hello'));
      expect(final.kind).toBe('sent');
      expect(answers.length).toBeGreaterThan(0);
      for (const answer of answers) expect(answer).toEqual(final);
      expect(stage.smtp.taken.filter(({ to }) => to === user.email)).toHaveLength(1);
      expect(await stage.query('select id from decisions where user_id = $1', user.id)).toEqual([
        { id: final.decisionId },
      ]);
      await lift();
    },
    REPEAT_MS_MAX,
  );

  it(
    'leaves a place free that was given back, when the next attempt needs none',
    async () => {
      await stage.send('POST', '/api/message-templates', {
        key: 'receipt',
        purpose: 'transactional',
        legal_basis: 'contract',
        ...{ subject: 'Receipt', html: '<p>Receipt</p>', text: 'Receipt' },
      });
      await stage.action('promotion', 'hello', [], null);
      await stage.action('receipt', 'receipt', [], null);
      const { id, email } = await stage.person({ localPart: 'later' });
      const [runKey = ''] = await stage.enter(id, 'one');
      const request = decideRequest({ runKey, userId: id, journeyKey: 'one' }, ['promotion', 'receipt']);
      expect(await stage.ask(request)).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
      await stage.send('POST', '/api/consents', { user_id: id, channel: 'email', status: 'withdrawn', source: 'spec' });
      const reachable = email.replace('later', 'now');
      await stage.query('update users set email = $2 where id = $1', id, reachable);
      expect(await stage.ask({ ...request, ask: 2 })).toMatchObject({ kind: 'sent', action: 'receipt' });
      expect(await stage.smtp.mailsTo(reachable)).toHaveLength(1);
      expect(await stage.query('select action, state from contact_ledger where user_id = $1', id)).toEqual([]);
    },
    REPEAT_MS_MAX,
  );
});
