import { jest } from '@jest/globals';
import { LookUps } from '../../src/modules/deliveries/look-ups.js';
import { DeliveriesService } from '../../src/modules/deliveries/index.js';
import { StepsRepository } from '../../src/modules/steps/steps.repository.js';
import { lockWaits } from '../support/concurrency.js';
import { decideRequest, messageRequest } from '../support/contact-stage.js';
import { DeadLetterStage, type Refused } from '../support/dead-letter-stage.js';

jest.setTimeout(300_000);

const CONTACT = { limit: 1, window: { kind: 'rolling', duration: 'PT24H' } };
const HOUR_MS = 3_600_000;

describe('a message that its provider refused, and that an operator sends after all', () => {
  let stage: DeadLetterStage;
  beforeAll(async () => {
    stage = await DeadLetterStage.open();
  });
  afterAll(() => stage.close());
  beforeEach(async () => {
    // Whatever a test that failed left behind.
    const rules = await stage.query<{ key: string }>('select distinct key from policies where is_active');
    for (const { key } of rules) await stage.contacts.send('DELETE', `/api/policies/${key}`);
    await stage.query('delete from dead_letter_replays');
    await stage.account();
  });
  afterEach(() => jest.restoreAllMocks());

  const question = ({ runKey, id }: Refused) => messageRequest({ runKey, userId: id, journeyKey: 'mails' }, 'mail');
  const decisionsOf = ({ runKey }: Refused) =>
    stage.query<{ id: string; ask: number; outcome: string; reason: string | null }>(
      'select id, ask, outcome, reason from decisions where run_key = $1 order by chain_seq',
      runKey,
    );
  const outcome = ({ deliveryId }: Refused, kind: string) =>
    stage.post(`/api/deliveries/${deliveryId}/outcomes`, { kind });
  /** Ends the run as the worker notes it. */
  async function ended({ runKey, id }: Refused, state: string, reason: string): Promise<void> {
    await stage.query(
      `update journey_entries set ended_at = date_trunc('milliseconds', clock_timestamp()) where run_key = $1`,
      runKey,
    );
    await stage.query(
      `insert into journey_runs (run_key, journey_key, version, user_id, clock_domain, state, reason, started_at, ended_at)
        values ($1, 'mails', 1, $2, 'real', $3, $4, clock_timestamp(), clock_timestamp())`,
      ...[runKey, id, state, reason],
    );
  }
  async function expectRefused(letter: Refused, code: string): Promise<void> {
    await stage.round();
    const [replay] = await stage.replays(letter);
    expect(replay).toMatchObject({ state: 'refused', code, next_at: null });
    expect(replay?.explanation).toMatch(/nothing was sent/);
    expect(await stage.accepted(letter)).toEqual([]);
    expect(await stage.delivery(letter)).toMatchObject({ state: 'failed', ledger: 'failed', attempt: 1 });
  }

  it('goes out once, as the template is by now, and the run keeps the answer that it took', async () => {
    const letter = await stage.refused();
    await stage.contacts.send('PUT', '/api/message-templates/mail', {
      ...{ channel: 'email', purpose: 'marketing', subject: 'Corrected' },
      html: '<p>{{ unsubscribe_url }} {{ company.address }}</p>',
      text: 'Hello {{ unsubscribe_url }} {{ company.address }}',
    });
    expect(await stage.replay(letter)).toMatchObject({ status: 202, body: { state: 'waiting' } });
    expect(await stage.delivery(letter)).toMatchObject({ state: 'failed', attempt: 1 });
    await stage.round();
    await stage.round();
    const taken = await stage.accepted(letter);
    expect(taken).toHaveLength(1);
    expect(JSON.stringify(taken)).toContain('Corrected');
    expect(await stage.delivery(letter)).toEqual({ state: 'sent', attempt: 2, ledger: 'sent', failure: null });
    const [refused, replayed] = await decisionsOf(letter);
    expect(refused).toMatchObject({ ask: 1, outcome: 'act' });
    expect(replayed).toMatchObject({ outcome: 'act' });
    expect(await stage.replays(letter)).toMatchObject([{ state: 'sent', code: null, decision_id: replayed?.id }]);
    expect(await stage.contacts.brokenLinks(letter.id)).toEqual([]);
    // Asked again, as after a crash or a reset, the run hears what it heard.
    const again = await stage.contacts.ask(question(letter));
    expect(again).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED', decisionId: refused?.id });
    expect(await stage.replay(letter)).toMatchObject({ status: 409, body: { code: 'DEAD_LETTER_OVER' } });
    const why = await stage.contacts.send<{ attempts: readonly { id: string }[] }>(
      'GET',
      `/api/decisions/why?user_id=${letter.id}`,
    );
    expect(why.attempts.map(({ id }) => id)).toContain(replayed?.id);
  });

  it('is the answer of the replay only, also where the run had not noted its own', async () => {
    const letter = await stage.refused();
    await stage.query('update step_answers set answer = null where run_key = $1', letter.runKey);
    await stage.replay(letter);
    await stage.round();
    expect(await stage.replays(letter)).toMatchObject([{ state: 'sent' }]);
    expect(await stage.contacts.ask(question(letter))).toMatchObject({ kind: 'skip', reason: 'PROVIDER_REJECTED' });
  });

  it.each<[string, string, string, number]>([
    ['a run that went all its way', 'completed', 'completed', 1],
    ['a run that ended because of the refusal', 'exited', 'refused:PROVIDER_REJECTED', 1],
    ['a run that reached its goal', 'completed', 'goal:purchase', 0],
    ['a run that was ended otherwise', 'exited', 'exit_event:purchase', 0],
  ])('goes by how the run ended: %s', async (_what, state, reason, sent) => {
    const letter = await stage.refused();
    await ended(letter, state, reason);
    await stage.replay(letter);
    if (sent === 0) return expectRefused(letter, 'RUN_EXITED');
    await stage.round();
    expect(await stage.replays(letter)).toMatchObject([{ state: 'sent' }]);
  });

  it('is refused once something happened that ends such runs', async () => {
    const letter = await stage.refused();
    await ended(letter, 'completed', 'completed');
    await stage.query(
      `update journey_versions set plan = plan || '{"exitEvents": ["purchase"]}'
        where journey_id = (select id from journeys where key = 'mails')`,
    );
    await stage.post('/api/events', { user_id: letter.id, event_name: 'purchase' });
    await stage.replay(letter);
    await expectRefused(letter, 'RUN_EXITED');
  });

  it('is refused by a consent that was withdrawn, with the decision', async () => {
    const letter = await stage.refused();
    const consent = { user_id: letter.id, channel: 'email', status: 'withdrawn', source: 'spec' };
    await stage.contacts.send('POST', '/api/consents', consent);
    await stage.replay(letter);
    await expectRefused(letter, 'CONSENT_WITHDRAWN');
    const [, refusal] = await decisionsOf(letter);
    expect(refusal).toMatchObject({ outcome: 'do_nothing', reason: 'CONSENT_WITHDRAWN' });
    expect(await stage.replays(letter)).toMatchObject([{ decision_id: refusal?.id }]);
    // A dead letter still: with consent it goes out.
    await stage.contacts.send('POST', '/api/consents', { ...consent, status: 'granted' });
    await stage.replay(letter);
    await stage.round();
    expect(await stage.accepted(letter)).toHaveLength(1);
  });

  it('is ordered once, however many order it at the same moment, and asked once by several workers', async () => {
    const letter = await stage.refused();
    const answers = await Promise.all(Array.from({ length: 6 }, () => stage.replay(letter)));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe('DEAD_LETTER_REPLAYING');
    await Promise.all([stage.round(0), stage.round(1), stage.round(0), stage.round(1)]);
    expect(await stage.accepted(letter)).toHaveLength(1);
    expect(await stage.delivery(letter)).toMatchObject({ state: 'sent', attempt: 2 });
  });

  it('goes out once where two workers are at the same replay, because one was taken for dead', async () => {
    const letter = await stage.refused();
    await stage.replay(letter);
    const { database } = stage.contacts;
    const rounds = await database.transaction(async (transaction) => {
      await transaction.query({ text: 'select from contact_state where user_id = $1 for update', values: [letter.id] });
      const slow = stage.round(0);
      await lockWaits(database, 'contact_state', 1);
      await stage.wake(letter);
      const next = stage.round(1);
      await lockWaits(database, 'contact_state', 2);
      return [slow, next];
    });
    expect(await Promise.all(rounds)).toEqual([1, 1]);
    expect(await stage.accepted(letter)).toHaveLength(1);
    expect(await stage.delivery(letter)).toMatchObject({ state: 'sent', attempt: 2 });
  });

  it('may be refused by its provider once more, and replayed again', async () => {
    const letter = await stage.refused();
    await stage.fault('error', letter, { status: 400 });
    await stage.replay(letter);
    await stage.round();
    expect(await stage.replays(letter)).toMatchObject([{ state: 'rejected', code: 'PROVIDER_REJECTED' }]);
    expect(await stage.delivery(letter)).toMatchObject({ state: 'failed', attempt: 2, ledger: 'failed' });
    await stage.sandbox.faults([]);
    expect(await stage.replay(letter)).toMatchObject({ status: 202 });
    await stage.round();
    expect(await stage.accepted(letter)).toHaveLength(1);
  });

  it('is handed over once, also where the worker died after the refusal and before it was noted', async () => {
    const letter = await stage.refused();
    await stage.fault('error', letter, { status: 422 });
    await stage.replay(letter);
    const answer = jest.spyOn(stage.contacts.get(StepsRepository), 'answer');
    answer.mockRejectedValueOnce(new Error('the process died'));
    await stage.round();
    expect(await stage.replays(letter)).toMatchObject([{ state: 'waiting' }]);
    await stage.sandbox.faults([]);
    await stage.wake(letter);
    await stage.round();
    expect(await stage.replays(letter)).toMatchObject([{ state: 'rejected' }]);
    expect(await stage.delivery(letter)).toMatchObject({ state: 'failed', attempt: 2 });
    expect(await stage.accepted(letter)).toEqual([]);
  });

  it('waits while no provider can take it, as the dead letter that it was, until its time is over', async () => {
    const letter = await stage.refused();
    await stage.fault('error', letter, { status: 503 });
    await stage.replay(letter, { within_hours: 1 });
    await stage.round();
    expect(await stage.delivery(letter)).toMatchObject({ state: 'failed', attempt: 2, ledger: 'failed' });
    expect(await stage.replays(letter)).toMatchObject([{ state: 'waiting', code: 'PROVIDER_UNAVAILABLE' }]);
    await stage.wake(letter);
    await stage.round();
    expect(await stage.delivery(letter)).toMatchObject({ state: 'failed', attempt: 3 });
    await stage.query(
      `update dead_letter_replays set expires_at = date_trunc('milliseconds', clock_timestamp()) where delivery_id = $1`,
      letter.deliveryId,
    );
    await stage.wake(letter);
    await stage.round();
    const [replay] = await stage.replays(letter);
    expect(replay).toMatchObject({ state: 'expired', code: 'PROVIDER_UNAVAILABLE' });
    expect(await stage.delivery(letter)).toMatchObject({ state: 'failed', attempt: 3 });
    await stage.sandbox.faults([]);
    expect(await stage.round()).toBe(0);
    expect(await stage.accepted(letter)).toEqual([]);
  });

  it('waits for quiet hours to end, and is asked again then', async () => {
    const letter = await stage.refused();
    const at = (ms: number): string => new Date(Date.now() + ms).toISOString().slice(11, 16);
    const definition = { kind: 'quiet_hours', start: at(-HOUR_MS), end: at(HOUR_MS) };
    await stage.contacts.send('POST', '/api/policies', { key: 'quiet_now', definition });
    await stage.replay(letter);
    await stage.round();
    const [replay] = await stage.replays(letter);
    expect(replay).toMatchObject({ state: 'waiting', code: 'QUIET_HOURS' });
    const waitMs = Date.parse(replay?.next_at ?? '') - Date.now();
    expect(waitMs).toBeGreaterThan(HOUR_MS - 120_000);
    expect(waitMs).toBeLessThan(HOUR_MS + 20 * 60_000);
    expect(await stage.round()).toBe(0);
    await stage.contacts.send('DELETE', '/api/policies/quiet_now');
    await stage.wake(letter);
    await stage.round();
    expect(await stage.replays(letter)).toMatchObject([{ state: 'sent' }]);
    expect(await stage.accepted(letter)).toHaveLength(1);
  });

  it.each([
    ['drop', 'refused'],
    ['defer', 'waiting'],
  ])('comes under the caps: %s', async (onHit, state) => {
    const letter = await stage.refused();
    const [other = ''] = await stage.contacts.enter(letter.id, 'mails');
    const sent = await stage.contacts.ask(question({ ...letter, runKey: other }));
    expect(sent).toMatchObject({ kind: 'sent' });
    const lift = await stage.contacts.policy(`cap_${onHit}`, { ...CONTACT, on_hit: onHit });
    await stage.replay(letter);
    await stage.round();
    await lift();
    expect(await stage.replays(letter)).toMatchObject([{ state, code: 'CAP_REACHED' }]);
    expect(await stage.accepted(letter)).toHaveLength(1);
    expect(await stage.delivery(letter)).toMatchObject({ state: 'failed', attempt: 1 });
    await stage.contacts.inject({ method: 'DELETE', url: `/api/dead-letters/${letter.deliveryId}/replay` });
  });

  it('counts under the caps once it went out', async () => {
    const letter = await stage.refused();
    const lift = await stage.contacts.policy('cap_counts', CONTACT);
    await stage.replay(letter);
    await stage.round();
    const [other = ''] = await stage.contacts.enter(letter.id, 'mails');
    const answer = await stage.contacts.ask(question({ ...letter, runKey: other }));
    await lift();
    expect(answer).toMatchObject({ kind: 'skip', reason: 'CAP_REACHED' });
  });

  it('sends the action that was refused, and no other one of its step', async () => {
    const { contacts } = stage;
    await contacts.action('first', 'mail', [], null);
    await contacts.action('second', 'mail', [], null);
    const steps = [
      { kind: 'decide', id: 'weigh', actions: ['first', 'second'] },
      { kind: 'end', id: 'done' },
    ];
    const weighing = { key: 'weighing', name: 'weighing', entry: { mode: 'parallel' }, steps };
    await contacts.send('POST', '/api/journeys/templates', weighing);
    await contacts.send('POST', '/api/journeys/templates/weighing/publish', {});
    const letters: Refused[] = [];
    for (let time = 0; time < 2; time += 1) {
      const person = await contacts.person();
      const [runKey = ''] = await contacts.enter(person.id, 'weighing');
      const run = { runKey, userId: person.id, journeyKey: 'weighing' };
      await stage.fault('error', person, { status: 422 });
      expect(await contacts.ask(decideRequest(run, ['first', 'second']))).toMatchObject({
        reason: 'PROVIDER_REJECTED',
      });
      const [row] = await stage.query<{ id: string; action: string }>(
        'select id, action from deliveries where run_key = $1',
        runKey,
      );
      expect(row?.action).toBe('first');
      letters.push({ ...person, runKey, deliveryId: row?.id ?? '' });
    }
    await stage.sandbox.faults([]);
    const [sent, silent] = letters as [Refused, Refused];
    await stage.replay(sent);
    await stage.round();
    expect(await stage.replays(sent)).toMatchObject([{ state: 'sent' }]);
    await stage.query(`update actions set is_active = false where key = 'first'`);
    await stage.replay(silent);
    await stage.round();
    expect(await stage.replays(silent)).toMatchObject([{ state: 'refused' }]);
    expect(await stage.accepted(silent)).toEqual([]);
  });

  it('leaves the place alone that its run has in another line', async () => {
    const letter = await stage.refused();
    await stage.query(
      `insert into pending_candidates (run_key, step_id, visit, user_id, clock_domain, candidate, opening_at, passes_on_at,
        decision_id) values ($1, 'later', 1, $2, 'real', '{}', clock_timestamp(), clock_timestamp(), $3)`,
      ...[letter.runKey, letter.id, letter.deliveryId],
    );
    await stage.replay(letter);
    await stage.round();
    expect(await stage.replays(letter)).toMatchObject([{ state: 'sent' }]);
    expect(await stage.query('select step_id from pending_candidates where run_key = $1', letter.runKey)).toEqual([
      { step_id: 'later' },
    ]);
  });

  it.each<['sendgrid' | 'postmark', string, number]>([
    ['sendgrid', 'unknown', 0],
    ['postmark', 'sent', 1],
  ])('is taken up again where the worker died between claim and send: %s', async (kind, state, taken) => {
    await stage.account(kind);
    const letter = await stage.refused();
    await stage.replay(letter);
    const send = jest.spyOn(stage.contacts.get(DeliveriesService), 'send');
    send.mockRejectedValueOnce(new Error('the process died'));
    await stage.round();
    expect(await stage.delivery(letter)).toMatchObject({ state: 'sending', attempt: 2 });
    expect(
      await stage.contacts.inject({ method: 'DELETE', url: `/api/dead-letters/${letter.deliveryId}/replay` }),
    ).toMatchObject({
      statusCode: 409,
    });
    // Nobody knows yet: it is neither sent again nor given up.
    await stage.wake(letter);
    await stage.round(1);
    expect(await stage.replays(letter)).toMatchObject([
      { state: 'waiting', explanation: expect.stringMatching(/under way/) },
    ]);
    for (let minutes = 0; minutes < 4; minutes += 1) {
      await stage.query(
        `update deliveries set deadline_at = deadline_at - interval '2 minutes', ask_at = ask_at - interval '2 minutes'
          where id = $1`,
        letter.deliveryId,
      );
      await stage.contacts.get(LookUps, 1).round();
      await stage.wake(letter);
      await stage.round(1);
    }
    expect(await stage.replays(letter)).toMatchObject([{ state }]);
    expect(await stage.accepted(letter)).toHaveLength(taken);
    expect(await stage.round()).toBe(0);
  });

  it.each(['delivered', 'failed'])(
    'is not sent again once it is heard of as %s while the replay waits',
    async (kind) => {
      const letter = await stage.refused();
      await stage.replay(letter);
      expect(await outcome(letter, kind)).toMatchObject({ status: 201 });
      await stage.round();
      expect(await stage.replays(letter)).toMatchObject([{ state: 'refused', code: 'DEAD_LETTER_TAKEN' }]);
      expect(await stage.accepted(letter)).toEqual([]);
      expect(await stage.delivery(letter)).toMatchObject({ state: kind, attempt: 1 });
    },
  );

  it('sends nothing to a person who was erased meanwhile, and says so to who asks later', async () => {
    const [waiting, dead] = [await stage.refused(), await stage.refused()];
    await stage.replay(waiting);
    for (const { id } of [waiting, dead]) await stage.contacts.send('DELETE', `/api/users/${id}`);
    expect(await stage.round()).toBe(0);
    expect(await stage.replays(waiting)).toMatchObject([{ state: 'refused', code: 'USER_ERASED' }]);
    expect(await stage.accepted(waiting)).toEqual([]);
    expect(await stage.replay(dead)).toMatchObject({ status: 409, body: { code: 'DEAD_LETTER_ERASED' } });
  });

  it('cannot be replayed once its journey was stopped, and not without its template', async () => {
    const [stopped, bare] = [await stage.refused(), await stage.refused()];
    await stage.query(`update journeys set status = 'stopped' where key = 'mails'`);
    expect(await stage.replay(stopped)).toMatchObject({ status: 409, body: { code: 'DEAD_LETTER_JOURNEY_OVER' } });
    await stage.query(`update journeys set status = 'published' where key = 'mails'`);
    await stage.replay(bare);
    await stage.query(`update journey_versions set plan = plan #- '{steps,hello}'`);
    await expectRefused(bare, 'DEAD_LETTER_STEP_GONE');
  });
});
