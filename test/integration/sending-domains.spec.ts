import { jest } from '@jest/globals';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { PolicyWaker } from '../../src/modules/policies/policy-waker.js';
import { SendingGuard } from '../../src/modules/sending-domains/index.js';
import { ContactStage, messageRequest, type Contactee } from '../support/contact-stage.js';
import { until } from '../support/until.js';

/** Marketing that is slowed down goes in real time. */
jest.setTimeout(300_000);

const DOMAIN = 'tactful.example';
const MINUTE_MS = 60_000;
const WAKE_MS_MAX = 50_000;

interface DomainView {
  readonly domain: string;
  readonly state: string;
  readonly reason: string | null;
  readonly taken: number;
  readonly bounced: number;
  readonly complained: number;
  readonly complaint_rate: number;
  readonly bounce_rate: number;
  readonly accounts: readonly object[];
}

describe('the domain from which e-mail goes out', () => {
  let stage: ContactStage;
  beforeAll(async () => {
    stage = await ContactStage.open(2, 4);
    await stage.template('mail');
    await stage.send('POST', '/api/message-templates', {
      ...{ key: 'receipt', channel: 'email', purpose: 'orders', legal_basis: 'contract' },
      ...{ subject: 'Your order', html: '<p>Thanks</p>', text: 'Thanks' },
    });
    await stage.journey('mails', 'mail');
    await stage.journey('receipts', 'receipt');
  });
  afterAll(() => stage.close());
  beforeEach(async () => {
    await stage.query('delete from sending_counts');
    await stage.query('delete from sending_domains');
    await stage.query('delete from provider_tickets');
  });

  async function ask(person: Contactee, template: 'mail' | 'receipt' = 'mail', process = 0): Promise<StepAnswer> {
    const journeyKey = template === 'mail' ? 'mails' : 'receipts';
    const [runKey = ''] = await stage.enter(person.id, journeyKey);
    return stage.ask(messageRequest({ runKey, userId: person.id, journeyKey }, template), process);
  }
  /** Sends one to somebody new, and hears of it. */
  async function sentAnd(...kinds: readonly string[]): Promise<string> {
    const answer = await ask(await stage.person());
    if (answer.kind !== 'sent') throw new Error(`not sent: ${JSON.stringify(answer)}`);
    for (const kind of kinds) await stage.send('POST', `/api/deliveries/${answer.deliveryId}/outcomes`, { kind });
    return answer.deliveryId;
  }
  /** As if so many more had been sent, of which so many came back. */
  async function sentBefore(taken: number, bounced = 0, hoursAgo = 0): Promise<void> {
    await stage.query(
      `insert into sending_counts (domain, claimed_in, provider, part, taken, bounced)
        values ($1, clock_timestamp() - make_interval(hours => $4), 'elsewhere', 0, $2, $3)`,
      ...[DOMAIN, taken, bounced, hoursAgo],
    );
  }
  async function shown(): Promise<DomainView> {
    const { data } = await stage.send<{ data: readonly DomainView[] }>('GET', '/api/sending-domains');
    const view = data.find(({ domain }) => domain === DOMAIN);
    if (view === undefined) throw new Error('the domain is not shown');
    return view;
  }
  const review = (): Promise<void> => stage.get(SendingGuard).review();

  it('is counted as messages leave, bounce and are complained about, once each', async () => {
    await sentAnd();
    await sentAnd('delivered', 'opened');
    await sentAnd('bounced');
    const complained = await sentAnd('delivered', 'complained');
    await stage.send('POST', `/api/deliveries/${complained}/outcomes`, { kind: 'complained' });
    const counts = { taken: 4, bounced: 1, complained: 1 };
    expect(await shown()).toMatchObject({
      ...counts,
      ...{ state: 'active', complaint_rate: 1 / 3, bounce_rate: 0.25 },
      accounts: [{ provider: 'smtp', ...counts }],
    });
  });

  it('is paused for marketing by three complaints of a thousand, for all processes at once; what rests on a contract goes on', async () => {
    await sentBefore(997);
    const sent = [await sentAnd(), await sentAnd(), await sentAnd()];
    for (const id of sent.slice(0, 2))
      await stage.send('POST', `/api/deliveries/${id}/outcomes`, { kind: 'complained' });
    expect(await shown()).toMatchObject({ state: 'slowed' });
    await stage.send('POST', `/api/deliveries/${sent[2]}/outcomes`, { kind: 'complained' });
    expect(await shown()).toMatchObject({ state: 'paused', reason: 'complaints', complaint_rate: 0.003 });
    const before = Date.now();
    for (const process of [0, 1]) {
      const person = await stage.person();
      const answer = await ask(person, 'mail', process);
      expect(answer).toMatchObject({ kind: 'defer', reason: 'SENDING_PAUSED' });
      expect('until' in answer ? answer.until - before : 0).toBeGreaterThanOrEqual(6 * 60 * MINUTE_MS);
      expect(await ask(person, 'receipt', process)).toMatchObject({ kind: 'sent' });
      expect(await stage.smtp.mailsTo(person.email)).toHaveLength(1);
      const states = await stage.query(
        'select template, state from deliveries where user_id = $1 order by id',
        person.id,
      );
      expect(states).toEqual([{ template: 'receipt', state: 'sent' }]);
    }
  });

  it('is left alone for one complaint of ten messages', async () => {
    await sentBefore(9);
    await sentAnd('complained');
    expect(await shown()).toMatchObject({ state: 'active', reason: null, complaint_rate: 0.1 });
  });

  it('is slowed to two messages a second where the account has no limit', async () => {
    await sentBefore(999);
    await sentAnd('complained');
    const answers: StepAnswer[] = [];
    for (let index = 0; index < 6; index += 1) answers.push(await ask(await stage.person()));
    expect(answers.filter(({ kind }) => kind === 'sent').length).toBeGreaterThanOrEqual(1);
    const waiting = answers.filter(({ kind }) => kind === 'defer');
    expect(waiting.length + answers.filter(({ kind }) => kind === 'sent').length).toBe(6);
    const [row] = await stage.query<{ ms: number }>(
      `select (extract(epoch from max(slot_at) - min(slot_at)) * 1000)::float8 as ms from provider_tickets`,
    );
    expect(row?.ms).toBeGreaterThanOrEqual(5 * 500 - 1);
  });

  it('is paused by bounces of one in twenty, and says so', async () => {
    await sentBefore(1_999, 99);
    await sentAnd();
    await review();
    expect(await shown()).toMatchObject({ state: 'slowed', reason: 'bounces' });
    await stage.query('delete from provider_tickets');
    await stage.query('update sending_counts set bounced = bounced + 1 where provider = $1', 'elsewhere');
    await review();
    expect(await shown()).toMatchObject({ state: 'paused', reason: 'bounces', bounce_rate: 0.05 });
  });

  it('recovers by itself when what was wrong is long ago', async () => {
    await sentBefore(1_000, 100);
    await review();
    expect(await shown()).toMatchObject({ state: 'paused' });
    await stage.query(`update sending_counts set claimed_in = claimed_in - interval '25 hours'`);
    await review();
    expect(await shown()).toMatchObject({ state: 'active', reason: null, taken: 0 });
    expect(await ask(await stage.person())).toMatchObject({ kind: 'sent' });
  });

  it('goes on when an operator says so, and is not judged by what was before', async () => {
    await sentBefore(1_000, 100);
    await review();
    const resumed = await stage.send('POST', `/api/sending-domains/${DOMAIN}/resume`, {});
    expect(resumed).toMatchObject({ state: 'active', reason: null, taken: 0 });
    await review();
    expect(await shown()).toMatchObject({ state: 'active' });
    expect(await ask(await stage.person())).toMatchObject({ kind: 'sent' });
    const written = await stage.query(`select subject, detail from audit_log where action = 'sending_domain.resume'`);
    expect(written.at(-1)).toMatchObject({ subject: DOMAIN, detail: { state: 'paused', reason: 'bounces' } });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['an operator says so', () => stage.send('POST', `/api/sending-domains/${DOMAIN}/resume`, {})],
    [
      'it recovers',
      async () => {
        await stage.query(`update sending_counts set claimed_in = claimed_in - interval '25 hours'`);
        await review();
      },
    ],
    [
      'it is slowed only',
      async () => {
        await stage.query('update sending_counts set bounced = 30');
        await review();
        expect(await shown()).toMatchObject({ state: 'slowed' });
      },
    ],
  ])('wakes the runs that wait for it, and no others, once: %s', async (_why, goOn) => {
    await stage.query('delete from policy_wakes');
    await sentBefore(1_000, 100);
    await review();
    const person = await stage.person();
    const [paused = '', quiet = ''] = await stage.enter(person.id, 'mails', 2);
    for (const [runKey, reason] of [
      [paused, 'SENDING_PAUSED'],
      [quiet, 'QUIET_HOURS'],
    ] as const) {
      await stage.query(
        `insert into journey_runs (run_key, journey_key, version, user_id, clock_domain, state, waits_for, started_at)
          values ($1, 'mails', 1, $2, 'real', 'waiting', $3, clock_timestamp())`,
        ...[runKey, person.id, `hello: put off, ${reason}`],
      );
    }
    await goOn();
    await review();
    const woken = `select run_key from outbox where kind = 'signal_run' and run_key = any ($1)`;
    await until(
      async () => {
        stage.get(PolicyWaker).kick();
        return (await stage.query(woken, [paused, quiet])).length > 0;
      },
      WAKE_MS_MAX,
      () => 'the run is woken',
    );
    expect(await stage.query(woken, [paused, quiet])).toEqual([{ run_key: paused }]);
    const wakes = 'select because, put_off_for as "for", runs_total as runs from policy_wakes';
    expect(await stage.query(wakes)).toEqual([{ because: 'sending_resumed', for: 'SENDING_PAUSED', runs: 1 }]);
    await stage.query('delete from journey_runs where run_key = any ($1)', [paused, quiet]);
  });

  it('that is not paused wakes nobody when it is resumed', async () => {
    await stage.query('delete from policy_wakes');
    await sentAnd();
    await review();
    await stage.send('POST', `/api/sending-domains/${DOMAIN}/resume`, {});
    expect(await stage.query('select from policy_wakes')).toEqual([]);
  });

  it('holds nothing back in virtual time, where a clock would run through all the questions of a pause', async () => {
    await sentBefore(1_000, 100);
    await review();
    const person = await stage.person();
    const [runKey = ''] = await stage.enter(person.id, 'mails');
    const real = messageRequest({ runKey, userId: person.id, journeyKey: 'mails' }, 'mail');
    const clock = { kind: 'virtual', domain: 'spec', now: Date.now() + MINUTE_MS } as const;
    expect(await stage.ask({ ...real, clock })).toMatchObject({ kind: 'sent' });
  });

  it('that nobody knows cannot be resumed', async () => {
    await expect(stage.send('POST', '/api/sending-domains/other.example/resume', {})).rejects.toThrow(
      'SENDING_DOMAIN_UNKNOWN',
    );
  });

  it('holds back what was claimed before the pause and has not left', async () => {
    await sentBefore(1_000, 100);
    const person = await stage.person();
    const guard = stage.get(SendingGuard);
    const standing = guard.standing.bind(guard);
    // The pause comes after the claim, before the last look.
    jest
      .spyOn(guard, 'standing')
      .mockImplementationOnce(standing)
      .mockImplementationOnce(async () => {
        await review();
        return standing();
      });
    expect(await ask(person)).toMatchObject({ kind: 'defer', reason: 'SENDING_PAUSED' });
    expect(await stage.smtp.mailsTo(person.email)).toEqual([]);
    const states = await stage.query('select state from deliveries where user_id = $1', person.id);
    expect(states).toEqual([{ state: 'released' }]);
  });

  it('is known to the decision that is put off, to the one that is asked for, to a dry run and to why', async () => {
    await stage.send('POST', '/api/actions', {
      ...{ key: 'offer', name: 'Offer', template: 'mail', value: 5 },
    });
    await sentBefore(1_000, 100);
    await review();
    const person = await stage.person();
    const answer = await ask(person);
    if (!('decisionId' in answer)) throw new Error(`no decision: ${JSON.stringify(answer)}`);
    const reason = 'SENDING_PAUSED';
    const explanation = /put off until .+ bounced or were complained about \(marketing from tactful.example is paused/;
    const put = { outcome: 'defer', reason, explanation: expect.stringMatching(explanation) };
    expect(await stage.send('GET', `/api/decisions/${answer.decisionId}/explain`)).toMatchObject(put);
    for (const dry_run of [true, false]) {
      const question = { user_id: person.id, actions: ['offer'], dry_run };
      const asked = await stage.send('POST', '/api/decisions/next-best-action', question);
      expect(asked).toMatchObject({ ...put, action: 'offer', channel: 'none' });
    }
    const change = 'if marketing from tactful.example were resumed';
    expect(await stage.send('GET', `/api/decisions/why?user_id=${person.id}&action=offer`)).toMatchObject({
      ...{ reason, standing: 'waits', what_would_change_it: { change, after: null } },
    });
    await stage.query(`update sending_domains set since = since - interval '2 hours'`);
    const whyThen = (hoursAgo: number): Promise<object> => {
      const at = new Date(Date.now() - hoursAgo * 60 * MINUTE_MS).toISOString();
      return stage.send('GET', `/api/decisions/why?user_id=${person.id}&action=offer&at=${at}`);
    };
    await stage.query(`update users set created_at = created_at - interval '1 day'`);
    await stage.query(`update consent_records set stated_at = stated_at - interval '1 day',
      received_at = received_at - interval '1 day'`);
    expect(await whyThen(1)).toMatchObject({ reason });
    expect(await whyThen(3)).not.toMatchObject({ reason });
  });
});
