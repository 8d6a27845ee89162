import { jest } from '@jest/globals';
import { Retention } from '../../src/platform/database/retention.js';
import { DeadLetterStage, type Refused } from '../support/dead-letter-stage.js';
import { messageRequest } from '../support/contact-stage.js';

jest.setTimeout(300_000);

interface Letter {
  readonly id: string;
  readonly is_replayable: boolean;
  readonly failure_class: string | null;
  readonly explanation: string;
}
interface Listed {
  readonly data: readonly Letter[];
  readonly next_cursor: string | null;
}
interface Bulk {
  readonly id: string;
  readonly state: string;
  readonly chosen: number;
  readonly replays: Readonly<Record<string, number>>;
}

describe('dead letters', () => {
  let stage: DeadLetterStage;
  beforeAll(async () => {
    stage = await DeadLetterStage.open();
  });
  afterAll(() => stage.close());
  beforeEach(async () => {
    await stage.query('delete from dead_letter_replays');
    await stage.query('delete from deliveries');
    await stage.account();
  });

  const get = <T>(url: string): Promise<T> => stage.contacts.send<T>('GET', `/api/dead-letters${url}`);
  const idsOf = async (query: string): Promise<readonly string[]> =>
    (await get<Listed>(`?${query}`)).data.map(({ id }) => id);
  const many = async (count: number): Promise<readonly Refused[]> => {
    const letters: Refused[] = [];
    for (let made = 0; made < count; made += 1) letters.push(await stage.refused());
    return letters;
  };
  const idOf = ({ deliveryId }: Refused): string => deliveryId;
  const question = ({ runKey, id }: Omit<Refused, 'deliveryId'>) =>
    messageRequest({ runKey, userId: id, journeyKey: 'mails' }, 'mail');
  const outcome = ({ deliveryId }: Refused, kind: string) =>
    stage.post(`/api/deliveries/${deliveryId}/outcomes`, { kind });
  const order = (more: object = {}) =>
    stage.post('/api/dead-letters/replays', { reason: 'put right', filter: {}, max: 100, ...more });
  const bulk = (id: string): Promise<Bulk> => get<Bulk>(`/replays/${id}`);

  /** Not refused, not sent for sure. */
  async function unknown(): Promise<string> {
    const person = await stage.contacts.person();
    const [runKey = ''] = await stage.contacts.enter(person.id, 'mails');
    await stage.fault('error', person, { status: 500 });
    await stage.contacts.ask(question({ ...person, runKey }));
    const [row] = await stage.query<{ id: string }>('select id from deliveries where run_key = $1', runKey);
    return row?.id ?? '';
  }

  it('are listed newest first, page by page, with those of which nobody knows', async () => {
    const [first, second] = (await many(2)).map(idOf);
    const third = await unknown();
    await stage.sandbox.faults([]);
    const sent = await stage.contacts.person();
    const [runKey = ''] = await stage.contacts.enter(sent.id, 'mails');
    await stage.contacts.ask(question({ ...sent, runKey }));
    const page = await get<Listed>('?limit=2');
    expect(page.data).toMatchObject([
      {
        id: third,
        failure_class: 'unknown',
        is_replayable: false,
        explanation: expect.stringMatching(/nobody can tell/),
      },
      { id: second, failure_class: 'refused', is_replayable: true },
    ]);
    const rest = await get<Listed>(`?limit=2&cursor=${page.next_cursor}`);
    expect(rest).toMatchObject({ data: [{ id: first }], next_cursor: null });
    expect(await idsOf('state=unknown')).toEqual([third]);
    expect(await idsOf('replayable=true')).toEqual([second, first]);
  });

  it('are found by each filter, and by all of them', async () => {
    const letter = await stage.refused();
    const provider = stage.provider;
    await stage.account();
    const other = await stage.refused();
    await stage.query(`update deliveries set failure = 'status 413' where id = $1`, other.deliveryId);
    await stage.query(
      `update deliveries set settled_at = settled_at - interval '2 days' where id = $1`,
      other.deliveryId,
    );
    const dayAgo = new Date(Date.now() - 86_400_000).toISOString();
    const all = [letter, other].map(idOf).reverse();
    for (const both of ['channel=email', 'template=mail', 'journey=mails', 'failure=status', 'failure_class=refused']) {
      expect([both, await idsOf(both)]).toEqual([both, all]);
    }
    for (const none of ['channel=sms', 'template=other', 'journey=other', 'failure=tatus', 'failure_class=unknown']) {
      expect([none, await idsOf(none)]).toEqual([none, []]);
    }
    for (const one of [`provider=${provider}`, `user_id=${letter.id}`, `from=${dayAgo}`, 'failure=status%20422']) {
      expect([one, await idsOf(one)]).toEqual([one, [letter.deliveryId]]);
    }
    expect(await idsOf(`to=${dayAgo}`)).toEqual([other.deliveryId]);
    expect(await idsOf(`to=${dayAgo}&user_id=${letter.id}`)).toEqual([]);
  });

  it('are counted by provider, channel and failure', async () => {
    await many(2);
    const { provider } = stage;
    await stage.account();
    await unknown();
    expect(await get('/summary')).toEqual({
      total: 3,
      replayable: 2,
      is_complete: true,
      groups: [
        expect.objectContaining({ provider, channel: 'email', state: 'failed', deliveries: 2, replayable: 2 }),
        expect.objectContaining({ provider: stage.provider, failure_class: 'unknown', deliveries: 1, replayable: 0 }),
      ],
    });
    expect(await get('/summary?state=unknown')).toMatchObject({ total: 1 });
  });

  it('cannot be replayed where nobody can tell whether they were taken', async () => {
    const person = await stage.contacts.person();
    const [runKey = ''] = await stage.contacts.enter(person.id, 'mails');
    await stage.fault('error', person, { status: 500 });
    const letter = { ...person, runKey, deliveryId: '' };
    const answer = await stage.contacts.ask(question(letter));
    if (answer.kind !== 'unknown') throw new Error(answer.kind);
    const { deliveryId } = answer;
    expect(await stage.replay({ ...letter, deliveryId })).toMatchObject({
      ...{ status: 409, body: { code: 'DEAD_LETTER_IN_DOUBT' } },
    });
    // Word of the provider that it failed says that it was taken.
    await outcome({ ...letter, deliveryId }, 'failed');
    expect(await stage.replay({ ...letter, deliveryId })).toMatchObject({
      ...{ status: 409, body: { code: 'DEAD_LETTER_TAKEN' } },
    });
  });

  it('cannot be replayed where their provider took them, and told later that they failed', async () => {
    const person = await stage.contacts.person();
    const [runKey = ''] = await stage.contacts.enter(person.id, 'mails');
    const answer = await stage.contacts.ask(question({ ...person, runKey }));
    if (answer.kind !== 'sent') throw new Error(answer.kind);
    const letter = { ...person, runKey, deliveryId: answer.deliveryId };
    expect(await stage.replay(letter)).toMatchObject({ status: 404 });
    await outcome(letter, 'failed');
    expect(await stage.delivery(letter)).toMatchObject({ state: 'failed' });
    expect(await stage.replay(letter)).toMatchObject({ status: 409, body: { code: 'DEAD_LETTER_TAKEN' } });
    expect(await stage.contacts.send('GET', `/api/dead-letters/${letter.deliveryId}`)).toMatchObject({
      ...{ failure_class: 'failed_later', is_replayable: false },
    });
  });

  it('of a virtual clock, or of no run, are listed and not replayed', async () => {
    const [virtual, runless] = (await many(2)) as [Refused, Refused];
    await stage.query(`update deliveries set clock_domain = 'toy' where id = $1`, virtual.deliveryId);
    await stage.query(`update deliveries set run_key = 'system:double_opt_in:1' where id = $1`, runless.deliveryId);
    expect(await stage.replay(virtual)).toMatchObject({ status: 409, body: { code: 'DEAD_LETTER_VIRTUAL' } });
    expect(await stage.replay(runless)).toMatchObject({ status: 409, body: { code: 'DEAD_LETTER_WITHOUT_RUN' } });
    expect(await idsOf('')).toHaveLength(2);
    expect(await order()).toMatchObject({ status: 202, body: { state: 'done', chosen: 0 } });
  });

  it('are replayed together, the oldest up to a number, each through its gates', async () => {
    const letters = await many(4);
    const [, second] = letters as [Refused, Refused];
    const consent = { user_id: second.id, channel: 'email', status: 'withdrawn', source: 'spec' };
    await stage.contacts.send('POST', '/api/consents', consent);
    const ordered = await order({ filter: { provider: stage.provider }, max: 3 });
    expect(ordered).toMatchObject({ status: 202, body: { state: 'running', chosen: 3 } });
    expect(await order({ max: 3 })).toMatchObject({ status: 202, body: { chosen: 1 } });
    while ((await stage.round()) > 0);
    expect(await bulk(ordered.body.id)).toMatchObject({ state: 'done', replays: { sent: 2, refused: 1, waiting: 0 } });
    const counts = await Promise.all(letters.map(async (letter) => (await stage.accepted(letter)).length));
    expect(counts).toEqual([1, 0, 1, 1]);
    expect(await get<{ data: readonly Bulk[] }>('/replays?limit=1')).toMatchObject({ data: [{ chosen: 1 }] });
    const trail = await stage.contacts.send<{ data: readonly { action: string; subject: string; detail: object }[] }>(
      'GET',
      '/api/audit-log',
    );
    expect(trail.data).toContainEqual(
      expect.objectContaining({
        ...{ action: 'dead_letters.replay', subject: ordered.body.id },
        detail: expect.objectContaining({ reason: 'put right', chosen: 3 }),
      }),
    );
  });

  it('are called off together, but for those that are sent by then', async () => {
    const letters = await many(3);
    const ordered = await order();
    const [first] = letters as [Refused];
    await stage.query(
      `update dead_letter_replays set next_at = date_trunc('milliseconds', clock_timestamp()) + interval '1 hour' where delivery_id <> $1`,
      first.deliveryId,
    );
    await stage.round();
    const url = `/api/dead-letters/replays/${ordered.body.id}/cancel`;
    expect(await stage.post(url)).toMatchObject({
      ...{ status: 200, body: { state: 'cancelled', replays: { sent: 1, cancelled: 2, waiting: 0 } } },
    });
    await stage.wake(...letters);
    expect(await stage.round()).toBe(0);
    expect(await stage.post(url)).toMatchObject({ status: 409, body: { code: 'REPLAY_OVER' } });
    // What was called off is a dead letter still.
    expect(await idsOf('replayable=true')).toHaveLength(2);
  });

  it('are called off one by one too, with a trail', async () => {
    const letter = await stage.refused();
    const cancel = () =>
      stage.contacts.inject({ method: 'DELETE', url: `/api/dead-letters/${letter.deliveryId}/replay` });
    expect((await cancel()).statusCode).toBe(409);
    await stage.replay(letter);
    expect((await cancel()).statusCode).toBe(204);
    expect(await stage.round()).toBe(0);
    expect(await stage.replays(letter)).toMatchObject([{ state: 'cancelled', next_at: null }]);
    const actions = await stage.query<{ action: string }>(
      'select action from audit_log where subject = $1 order by id',
      letter.deliveryId,
    );
    expect(actions.map(({ action }) => action)).toEqual(['dead_letter.replay', 'dead_letter.cancel_replay']);
  });

  it('need a reason', async () => {
    const letter = await stage.refused();
    for (const body of [{}, { reason: '' }, { reason: 'two\nlines' }, { reason: 'so', within_hours: 169 }]) {
      expect(await stage.post(`/api/dead-letters/${letter.deliveryId}/replay`, body)).toMatchObject({ status: 400 });
    }
    expect(await stage.replays(letter)).toEqual([]);
  });

  it('keep their replays for as long as logs are kept, and those that wait', async () => {
    const [old, waiting] = (await many(2)) as [Refused, Refused];
    await order();
    await stage.query(
      `update dead_letter_replays set state = 'sent', next_at = null, created_at = created_at - interval '1 year',
          ended_at = date_trunc('milliseconds', clock_timestamp()) - interval '1 year' where delivery_id = $1`,
      old.deliveryId,
    );
    await stage.query(
      `update dead_letter_bulks set created_at = date_trunc('milliseconds', clock_timestamp()) - interval '1 year'`,
    );
    await stage.contacts.get(Retention).purge();
    expect(await stage.query('select delivery_id as id from dead_letter_replays')).toEqual([
      { id: waiting.deliveryId },
    ]);
    expect(
      await stage.query(
        'select 1 from dead_letter_bulks bulk where exists (select from dead_letter_replays where bulk_id = bulk.id)',
      ),
    ).toHaveLength(1);
  });
});
