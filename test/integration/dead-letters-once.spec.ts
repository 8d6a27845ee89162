import { jest } from '@jest/globals';
import { lockWaits } from '../support/concurrency.js';
import { messageRequest } from '../support/contact-stage.js';
import { DeadLetterStage, type Refused } from '../support/dead-letter-stage.js';

jest.setTimeout(300_000);

const HOUR_MS = 3_600_000;

describe('a replay beside what became of the person since', () => {
  let stage: DeadLetterStage;
  beforeAll(async () => {
    stage = await DeadLetterStage.open();
  });
  afterAll(() => stage.close());
  beforeEach(async () => {
    await stage.query('delete from dead_letter_replays');
    await stage.account();
  });

  /** The run comes to its step once more, by a loop or a jump. */
  const visit = ({ runKey, id }: Refused, number = 2) =>
    stage.contacts.ask({
      ...messageRequest({ runKey, userId: id, journeyKey: 'mails' }, 'mail'),
      visit: number,
    });
  const bulk = ({ id }: Refused) =>
    stage.post('/api/dead-letters/replays', { reason: 'put right', filter: { user_id: id }, max: 100 });
  async function expectRepeated(letter: Refused): Promise<void> {
    expect(await stage.replays(letter)).toMatchObject([{ state: 'refused', code: 'DEAD_LETTER_REPEATED' }]);
    expect(await stage.delivery(letter)).toMatchObject({ state: 'failed', attempt: 1, ledger: 'failed' });
  }
  async function failureOf({ deliveryId }: Refused): Promise<object | undefined> {
    const [row] = await stage.query(
      'select state, provider, failure, settled_at as at, is_refused from deliveries where id = $1',
      deliveryId,
    );
    return row;
  }

  it('is not ordered once the run came back to the step, and its message went out', async () => {
    const letter = await stage.refused();
    expect(await visit(letter)).toMatchObject({ kind: 'sent' });
    expect(await stage.replay(letter)).toMatchObject({ status: 409, body: { code: 'DEAD_LETTER_REPEATED' } });
    const { body } = await bulk(letter);
    expect(await stage.contacts.send('GET', `/api/dead-letters/replays/${body.id}`)).toMatchObject({ chosen: 0 });
    expect(await stage.accepted(letter)).toHaveLength(1);
  });

  it('is not ordered where nobody can tell whether that message went out', async () => {
    const letter = await stage.refused();
    await stage.fault('error', letter, { status: 500 });
    expect(await visit(letter)).toMatchObject({ kind: 'unknown' });
    expect(await stage.replay(letter)).toMatchObject({ status: 409, body: { code: 'DEAD_LETTER_REPEATED' } });
  });

  it('is ordered where that message did not go out either', async () => {
    const letter = await stage.refused();
    await stage.fault('error', letter, { status: 503 });
    expect(await visit(letter)).toMatchObject({ kind: 'defer', reason: 'PROVIDER_UNAVAILABLE' });
    await stage.sandbox.faults([]);
    expect(await stage.replay(letter)).toMatchObject({ status: 202 });
    await stage.round();
    expect(await stage.replays(letter)).toMatchObject([{ state: 'sent' }]);
  });

  it('ends before it asks where the message went out since it was ordered', async () => {
    const letter = await stage.refused();
    await stage.replay(letter);
    await visit(letter);
    await stage.round();
    await expectRepeated(letter);
    expect(await stage.replays(letter)).toMatchObject([{ decision_id: null }]);
    expect(await stage.accepted(letter)).toHaveLength(1);
  });

  it('ends at its claim where the message goes out while it asks', async () => {
    const letter = await stage.refused();
    await stage.replay(letter);
    const { database } = stage.contacts;
    const round = await database.transaction(async (transaction) => {
      await transaction.query({ text: 'select from contact_state where user_id = $1 for update', values: [letter.id] });
      const asking = stage.round();
      await lockWaits(database, 'contact_state', 1);
      await transaction.query({
        text: `insert into deliveries (id, idempotency_key, user_id, decision_id, run_key, step_id, visit, channel,
            provider, action, template, template_version, purpose, address, state, attempt_token, deadline_at, claimed_at)
          select uuidv7(), uuidv7()::text, user_id, decision_id, run_key, step_id, 2, channel, provider, action, template,
            template_version, purpose, address, 'sent', attempt_token, deadline_at, clock_timestamp()
          from deliveries where id = $1`,
        values: [letter.deliveryId],
      });
      return [asking];
    });
    expect(await Promise.all(round)).toEqual([1]);
    await expectRepeated(letter);
    expect(await stage.accepted(letter)).toEqual([]);
  });

  it('goes out for one of the visits of a step, where all of them were refused', async () => {
    const letter = await stage.refused();
    await stage.fault('error', letter, { status: 422 });
    for (const number of [2, 3]) expect(await visit(letter, number)).toMatchObject({ reason: 'PROVIDER_REJECTED' });
    await stage.sandbox.faults([]);
    const { body } = await bulk(letter);
    while ((await stage.round()) > 0);
    expect(await stage.contacts.send('GET', `/api/dead-letters/replays/${body.id}`)).toMatchObject({
      ...{ chosen: 3, replays: { sent: 1, refused: 2 } },
    });
    expect(await stage.accepted(letter)).toHaveLength(1);
  });

  it('leaves the dead letter as it had failed, however often no provider can take it', async () => {
    const letter = await stage.refused();
    const before = await failureOf(letter);
    expect(before).toMatchObject({ state: 'failed', is_refused: true, failure: expect.stringContaining('422') });
    await stage.account();
    await stage.fault('error', letter, { status: 503 });
    await stage.replay(letter);
    for (let attempt = 2; attempt < 4; attempt += 1) {
      await stage.wake(letter);
      await stage.round();
      expect(await stage.delivery(letter)).toMatchObject({ attempt });
      expect(await failureOf(letter)).toEqual(before);
    }
    expect(
      await stage.contacts.send('GET', `/api/dead-letters?user_id=${letter.id}&failure=status%20422`),
    ).toMatchObject({
      data: [{ id: letter.deliveryId }],
    });
    // What it comes to when it is refused once more is its failure from then on.
    await stage.fault('error', letter, { status: 400 });
    await stage.wake(letter);
    await stage.round();
    expect(await stage.replays(letter)).toMatchObject([{ state: 'rejected' }]);
    expect(await failureOf(letter)).toMatchObject({
      ...{ state: 'failed', provider: stage.provider, failure: expect.stringContaining('400') },
    });
    expect(await stage.query('select former from dead_letter_replays')).toEqual([{ former: null }]);
  });

  it('keeps no words of a provider about a person who was erased', async () => {
    const letter = await stage.refused();
    await stage.fault('error', letter, { status: 503 });
    await stage.replay(letter);
    await stage.round();
    const kept = 'select former is not null as "isKept" from dead_letter_replays';
    expect(await stage.query(kept)).toEqual([{ isKept: true }]);
    await stage.contacts.send('DELETE', `/api/users/${letter.id}`);
    expect(await stage.query(kept)).toEqual([{ isKept: false }]);
    expect(await failureOf(letter)).toMatchObject({ failure: null });
  });

  it('waits while the sending domain is paused, and is asked when it goes on', async () => {
    const letter = await stage.refused();
    await stage.query(`insert into sending_domains (domain, state, reason) values ('tactful.example', 'paused', 'bounces')
      on conflict (domain) do update set state = 'paused', reason = 'bounces'`);
    await stage.replay(letter);
    await stage.round();
    const [waiting] = await stage.replays(letter);
    expect(waiting).toMatchObject({ state: 'waiting', code: 'SENDING_PAUSED' });
    expect(Date.parse(waiting?.next_at ?? '') - Date.now()).toBeGreaterThan(5 * HOUR_MS);
    await stage.post('/api/sending-domains/tactful.example/resume');
    await stage.round();
    expect(await stage.replays(letter)).toMatchObject([{ state: 'sent' }]);
  });
});
