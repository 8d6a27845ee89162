import { jest } from '@jest/globals';
import { LookUps } from '../../src/modules/deliveries/look-ups.js';
import { LookUpsRepository } from '../../src/modules/deliveries/look-ups.repository.js';
import { OutcomesService } from '../../src/modules/outcomes/index.js';
import { ContactStage, messageRequest, NO_NOISE, type Contactee } from '../support/contact-stage.js';
import { startSandboxProcess, type AcceptedMessage, type SandboxProcess } from '../support/sandbox.js';
import { StepProcesses } from '../support/step-process.js';
import { TWILIO_SID } from './sandbox/senders.js';

/** Real time-outs of the provider pass in some of these. */
jest.setTimeout(300_000);

const AFTER_S = 61;
const ALIVE_S = 91;
const QUARTER_S = 15 * 60;

type Channel = 'email' | 'sms';
type Reader = Contactee & { readonly phone: string; readonly runKey: string };

describe('providers that are asked whether they took a message', () => {
  let stage: ContactStage;
  let sandbox: SandboxProcess;
  let people = 0;

  beforeAll(async () => {
    [stage, sandbox] = await Promise.all([ContactStage.open(2, 6), startSandboxProcess()]);
    await stage.template('mail');
    await stage.journey('mails', 'mail');
    const text = 'Hello from {{ company.name }}. Reply STOP to stop.';
    await stage.send('POST', '/api/message-templates', { key: 'text', channel: 'sms', text });
  });
  afterAll(async () => {
    await stage.close();
    await sandbox.stop();
  });
  let tests = 0;
  /** Accounts of its own for each, so that nothing is known of their health. */
  beforeEach(async () => {
    await sandbox.faults([]);
    await stage.query('delete from provider_accounts');
    tests += 1;
    const accounts = [
      { kind: 'postmark', credentials: { server_token: 'sandbox' }, settings: {} },
      {
        ...{ kind: 'twilio', credentials: { auth_token: 'sandbox' } },
        settings: { account_sid: TWILIO_SID, from: '+15005550006' },
      },
    ];
    for (const account of accounts) {
      const settings = { ...account.settings, base_url: `${sandbox.url}/${account.kind}` };
      await stage.send('POST', '/api/providers', { ...account, key: `${account.kind}_${tests}`, settings });
    }
  });

  async function reader(): Promise<Reader> {
    const phone = `+3361234${String((people += 1)).padStart(4, '0')}`;
    const person = await stage.person({ phone });
    const consent = { user_id: person.id, channel: 'sms', status: 'granted', source: 'spec' };
    await stage.send('POST', '/api/consents', consent);
    const [runKey = ''] = await stage.enter(person.id, 'mails');
    return { ...person, phone, runKey };
  }
  function requestOf({ id, runKey }: Reader, channel: Channel, number: number) {
    const request = messageRequest(
      { runKey, userId: id, journeyKey: 'mails' },
      channel === 'email' ? 'mail' : 'text',
      number,
    );
    return { ...request, step: { ...request.step, channel } as never };
  }
  /** First asked by one process, then by another, which knows nothing of the health of the account. */
  const ask = (person: Reader, channel: Channel, number = 1) =>
    stage.ask(requestOf(person, channel, number), number > 1 ? 1 : 0);
  /** As if so many seconds had passed for what is in doubt. */
  const pass = (seconds: number, ...readers: readonly Reader[]) =>
    stage.query(
      `update deliveries set deadline_at = deadline_at - make_interval(secs => $1), ask_at = ask_at - make_interval(secs => $1)
        where run_key = any ($2)`,
      seconds,
      readers.map(({ runKey }) => runKey),
    );
  const round = (process = 1) => stage.get(LookUps, process).round();
  async function deliveryOf({ runKey }: Reader) {
    const [row] = await stage.query<{
      id: string;
      state: string;
      attempt: number;
      message: string | null;
      ledger: string;
      failure: string | null;
    }>(
      `select id, delivery.state, attempt, provider_message_id as message, ledger.state as ledger, failure
        from deliveries delivery join contact_ledger ledger on delivery_id = id where run_key = $1`,
      runKey,
    );
    if (row === undefined) throw new Error('nothing was claimed');
    return row;
  }
  const takenFor = async ({ email, phone }: Reader, channel: Channel): Promise<readonly AcceptedMessage[]> =>
    (await sandbox.accepted()).filter(({ recipient }) => recipient === (channel === 'email' ? email : phone));
  const faultsFor = (faults: readonly { person: Reader; channel: Channel; kind: string; parameters?: object }[]) =>
    sandbox.faults(
      faults.map(({ person, channel, ...fault }) => ({
        ...{ ...fault, count: 1, provider: channel === 'email' ? 'postmark' : 'twilio' },
        match: { recipient: channel === 'email' ? person.email : person.phone },
      })),
    );
  /** A message that the provider took, or not, and whose answer never came. */
  async function doubtful(channel: Channel, kind: 'reset_after' | 'reset_before', given?: Reader): Promise<Reader> {
    const person = given ?? (await reader());
    await faultsFor([{ person, channel, kind }]);
    expect(await ask(person, channel)).toMatchObject({ kind: 'defer', reason: 'OUTCOME_IN_DOUBT' });
    expect(await deliveryOf(person)).toMatchObject({ state: 'sending', ledger: 'sending' });
    return person;
  }
  /** Past the deadline, and asked so often. */
  async function askedAbout(times: number, ...readers: readonly Reader[]): Promise<void> {
    await pass(ALIVE_S, ...readers);
    for (let time = 0; time < times; time += 1) {
      await pass(AFTER_S, ...readers);
      await round();
    }
  }

  const CHANNELS = ['email', 'sms'] as const;
  const ENDS = [
    ['timeout_after', undefined, true],
    ['timeout_before', undefined, false],
    ['reset_after', undefined, true],
    ['reset_before', undefined, false],
    ['malformed', { part: 'body' }, true],
    ['malformed', { part: 'head' }, true],
    ['error', { status: 500 }, false],
  ] as const;

  it('however the answer was lost, the message is recorded where it was taken, and goes out where it was not: once', async () => {
    const cases = [];
    for (const channel of CHANNELS) {
      for (const [kind, parameters, isTaken] of ENDS) {
        cases.push({
          person: await reader(),
          channel,
          kind,
          isTaken,
          ...(parameters === undefined ? {} : { parameters }),
        });
      }
    }
    await faultsFor(cases.map(({ isTaken: _, ...fault }) => fault));
    const before = Date.now();
    const answers = await Promise.all(cases.map(({ person, channel }) => ask(person, channel)));
    for (const answer of answers) {
      expect(answer).toMatchObject({ kind: 'defer', reason: 'OUTCOME_IN_DOUBT' });
      expect('until' in answer ? answer.until : 0).toBeGreaterThan(before + 60_000);
    }
    await askedAbout(2, ...cases.map(({ person }) => person));
    for (const { person, channel, kind, isTaken } of cases) {
      const left = await deliveryOf(person);
      expect({ kind, channel, ...left }).toMatchObject({ state: isTaken ? 'sent' : 'released', attempt: 1 });
      expect(left.ledger).toBe(left.state);
      expect(await ask(person, channel, 2)).toMatchObject({ kind: 'sent' });
      const [taken, ...more] = await takenFor(person, channel);
      expect(more).toEqual([]);
      expect(await deliveryOf(person)).toMatchObject({ state: 'sent', message: taken?.id, attempt: isTaken ? 1 : 2 });
    }
  });

  it.each(CHANNELS)(
    'a process that died right after it handed over a message by %s, or right before, loses none',
    async (channel) => {
      const processes = new StepProcesses({ ...NO_NOISE, AUTH: 'none' });
      try {
        const undisturbed = await reader();
        const { writes } = await processes.run({ request: requestOf(undisturbed, channel, 1), death: null });
        const post = writes.findIndex((write) => write.startsWith('POST /')) + 1;
        expect(post).toBeGreaterThan(0);
        const last = writes.findIndex((write) => write.includes('deliveries_settle'));
        for (const [moment, write] of [
          ['before', post],
          ['after', last],
        ] as const) {
          const person = await reader();
          await processes.run({ request: requestOf(person, channel, 1), death: { write, moment } });
          const taken = moment === 'after' ? 1 : 0;
          await sandbox.settled();
          expect(await deliveryOf(person)).toMatchObject({ state: 'sending' });
          await expect(ask(person, channel)).rejects.toThrow('may still be alive');
          await pass(ALIVE_S, person);
          expect(await round()).toBe(0);
          expect(await ask(person, channel)).toMatchObject({ kind: 'defer', reason: 'OUTCOME_IN_DOUBT' });
          await askedAbout(2, person);
          expect(await takenFor(person, channel)).toHaveLength(taken);
          expect(await deliveryOf(person)).toMatchObject({ state: taken === 1 ? 'sent' : 'released' });
          expect(await ask(person, channel, 2)).toMatchObject({ kind: 'sent' });
          expect(await takenFor(person, channel)).toHaveLength(1);
        }
      } finally {
        processes.close();
      }
    },
  );

  it('nothing is believed not to be taken before its time, nor by one look, nor by two at once', async () => {
    const person = await doubtful('email', 'reset_before');
    await pass(AFTER_S, person);
    for (const process of [0, 1]) await round(process);
    await pass(AFTER_S, person);
    // Before the deadline of the attempt nothing that is missing counts.
    await stage.query(
      `update deliveries set deadline_at = date_trunc('milliseconds', clock_timestamp()) + interval '1 second' where run_key = $1`,
      person.runKey,
    );
    await round();
    await askedAbout(1, person);
    expect(await deliveryOf(person)).toMatchObject({ state: 'sending', failure: 'ECONNRESET' });
    expect(await round(1)).toBe(0);
    await pass(AFTER_S, person);
    await Promise.all([round(0), round(1)]);
    expect(await deliveryOf(person)).toMatchObject({ state: 'released' });
  });

  it.each([
    ['fails', { kind: 'error', parameters: { status: 500 } }],
    ['answers what nobody understands', { kind: 'malformed', parameters: { part: 'body' } }],
    ['never answers', { kind: 'timeout_before' }],
  ])('a message stays in doubt while its provider %s, and is unknown in the end', async (_what, fault) => {
    const people = [await doubtful('email', 'reset_after'), await doubtful('sms', 'reset_before')];
    const desks = ['postmark_lookup', 'twilio_lookup'].map((provider) => ({ ...fault, provider }));
    await sandbox.faults(desks);
    await askedAbout(2, ...people);
    for (const person of people) expect(await deliveryOf(person)).toMatchObject({ state: 'sending' });
    await pass(QUARTER_S, ...people);
    // Asked too seldom so far: who was away for long asks before it gives up.
    for (const [index, person] of people.entries()) {
      expect(await ask(person, CHANNELS[index] ?? 'email', 2)).toMatchObject({ kind: 'defer' });
    }
    await round();
    for (const [index, person] of people.entries()) {
      expect(await ask(person, CHANNELS[index] ?? 'email', 3)).toMatchObject({
        kind: 'unknown',
        reason: 'OUTCOME_UNKNOWN',
      });
      expect(await deliveryOf(person)).toMatchObject({ state: 'unknown', ledger: 'unknown' });
    }
    await sandbox.faults([]);
    expect(await round()).toBe(0);
  });

  it('two texts of the same words are told apart', async () => {
    const taken = await reader();
    const [other = ''] = await stage.enter(taken.id, 'mails');
    const lost = { ...taken, runKey: other };
    await doubtful('sms', 'reset_after', taken);
    await doubtful('sms', 'reset_before', lost);
    await askedAbout(2, taken, lost);
    const states = [await deliveryOf(taken), await deliveryOf(lost)];
    expect(states.map(({ state }) => state).sort()).toEqual(['released', 'sent']);
    for (const person of [taken, lost]) expect(await ask(person, 'sms', 2)).toMatchObject({ kind: 'sent' });
    const messages = await takenFor(taken, 'sms');
    const owners = [await deliveryOf(taken), await deliveryOf(lost)];
    expect(new Set(owners.map(({ message }) => message))).toEqual(new Set(messages.map(({ id }) => id)));
    expect(messages).toHaveLength(2);
  });

  it('a text is not taken for the one that another attempt is just sending', async () => {
    const lost = await doubtful('sms', 'reset_before');
    const [other = ''] = await stage.enter(lost.id, 'mails');
    const sending = { ...lost, runKey: other };
    await doubtful('sms', 'reset_after', sending);
    // As if its answer were still awaited.
    await stage.query(
      `update deliveries set ask_at = null, deadline_at = date_trunc('milliseconds', clock_timestamp()) + interval '1 minute' where run_key = $1`,
      other,
    );
    await askedAbout(2, lost);
    expect(await deliveryOf(lost)).toMatchObject({ state: 'sending', message: null });
    await askedAbout(2, lost, sending);
    expect([(await deliveryOf(lost)).state, (await deliveryOf(sending)).state].sort()).toEqual(['released', 'sent']);
  });

  it('a settler that dies while it asks is followed by another, and what it comes to say later counts no more', async () => {
    const person = await doubtful('email', 'reset_before');
    await pass(ALIVE_S + AFTER_S, person);
    const due = { kinds: ['postmark'], afterMs: 60_000, limit: 10 };
    const repository = stage.get(LookUpsRepository);
    const [dead] = await repository.take(due);
    if (dead === undefined) throw new Error('nothing was due');
    expect(dead).toMatchObject({ ask: 1, isListedByNow: true });
    expect(await round(1)).toBe(0);
    await pass(AFTER_S, person);
    expect(await round(1)).toBe(1);
    expect(await stage.database.transaction((transaction) => repository.miss(transaction, dead))).toBeNull();
    expect(await deliveryOf(person)).toMatchObject({ state: 'sending' });
    await pass(AFTER_S, person);
    await round(1);
    expect(await deliveryOf(person)).toMatchObject({ state: 'released' });
  });

  it('a callback that comes first stands, whatever the provider lists', async () => {
    const [heard, bounced] = [await doubtful('email', 'reset_after'), await doubtful('sms', 'reset_before')];
    const outcomes = stage.get(OutcomesService);
    await outcomes.record({ deliveryId: (await deliveryOf(heard)).id, kind: 'delivered', at: null, detail: null });
    const dues = await (async () => {
      await pass(ALIVE_S + AFTER_S, bounced);
      return stage.get(LookUpsRepository).take({ kinds: ['twilio'], afterMs: 60_000, limit: 10 });
    })();
    await outcomes.record({ deliveryId: (await deliveryOf(bounced)).id, kind: 'failed', at: null, detail: 'gone' });
    for (const due of dues) {
      expect(
        await stage.database.transaction((transaction) => stage.get(LookUpsRepository).miss(transaction, due)),
      ).toBeNull();
    }
    await askedAbout(2, heard, bounced);
    expect(await deliveryOf(heard)).toMatchObject({ state: 'delivered', ledger: 'delivered' });
    expect(await deliveryOf(bounced)).toMatchObject({ state: 'failed', ledger: 'failed' });
    expect(await ask(heard, 'email', 2)).toMatchObject({ kind: 'sent' });
  });

  it('a place under a cap is held while there is doubt, and given back with the message', async () => {
    const lift = await stage.policy('one', { limit: 1, window: { kind: 'rolling', duration: 'PT24H' } });
    const person = await doubtful('email', 'reset_before');
    const [next = '', last = ''] = await stage.enter(person.id, 'mails', 2);
    expect(await ask({ ...person, runKey: next }, 'email')).toMatchObject({ reason: 'CAP_REACHED' });
    await askedAbout(2, person);
    expect(await ask({ ...person, runKey: last }, 'email')).toMatchObject({ kind: 'sent' });
    // All gates are asked again: another message has the place now.
    expect(await ask(person, 'email', 2)).toMatchObject({ reason: 'CAP_REACHED' });
    expect(await takenFor(person, 'email')).toHaveLength(1);
    await lift();
  });

  it('where the account is gone nobody can be asked', async () => {
    const person = await doubtful('email', 'reset_after');
    await stage.query(`update deliveries set provider = 'gone' where run_key = $1`, person.runKey);
    await pass(ALIVE_S, person);
    expect(await ask(person, 'email', 2)).toMatchObject({ kind: 'unknown' });
  });

  it('nobody is asked about a person who was erased by anything but our own id', async () => {
    const [mail, text] = [await doubtful('email', 'reset_after'), await doubtful('sms', 'reset_after')];
    for (const { id } of [mail, text]) await stage.send('DELETE', `/api/users/${id}`);
    const rows = await stage.query('select from deliveries where content_hash is not null and user_id = $1', text.id);
    expect(rows).toEqual([]);
    await askedAbout(2, mail, text);
    expect(await deliveryOf(mail)).toMatchObject({ state: 'sent' });
    expect(await deliveryOf(text)).toMatchObject({ state: 'sending' });
  });
});
