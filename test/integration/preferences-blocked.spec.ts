import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { lockWaits } from '../support/concurrency.js';
import { formOf, ticks } from '../support/preference-form.js';
import { startSmtp, type TestSmtp } from '../support/smtp.js';
import { stageSteps } from '../support/step-stage.js';

/** A busy machine takes its time to make the tables and start the API. */
const START_MS_MAX = 120_000;

const EMAIL = 'marketing email default';
const SMS = 'marketing sms default';
const PUSH = 'marketing push default';
const TIPS = 'tips email default';
const OTHER_BRAND = 'marketing email other';
const RECEIPTS = 'such as a receipt, come all the same';
const COMPANY = 'Bobby &lt;Tables&gt; &amp; Co';
const ASK = `A tick here cannot end that. If you want it again, please ask ${COMPANY}.`;
const TICK = 'because you unsubscribed. To end that, tick it and save.';
const START = 'To end that, text START to the number that our messages come from; a tick here cannot.';
const STOPPED = `because STOP was texted from this number. ${START}`;
const REPORTED = `because a message from us was reported as spam. ${ASK}`;
const SAVED = 'role="status">Saved. ';
const ONE_BLOCKED = 'One kind of message is ticked, but blocked: it does not come. The reason is beside it.';

interface Person {
  readonly id: string;
  readonly email: string;
  readonly phone: string;
  readonly path: string;
}

describe('a preference page of a person from whom something is kept', () => {
  let app: NestFastifyApplication;
  let smtp: TestSmtp;
  let api: Client;
  let stage: Awaited<ReturnType<typeof stageSteps>>;
  let people = 0;
  let words = 0;
  let person: Person;

  beforeAll(async () => {
    smtp = await startSmtp();
    app = await createTestApp({
      ...{ OUTBOX_POLL_MS: '60000', SMTP_URL: smtp.url, COMPANY_NAME: 'Bobby <Tables> & Co' },
      SOFT_BOUNCE_COUNT: '1',
    });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    api = clientOf(app);
    stage = await stageSteps(app);
    const link = '{{ unsubscribe_url }} {{ company.address }}';
    const mail = { channel: 'email', subject: 'x', html: link, text: link };
    await offer('news', { ...mail, purpose: 'marketing' });
    await offer('tips', { ...mail, purpose: 'tips' });
    await offer('note', { channel: 'push', title: 'x', body: 'x', purpose: 'marketing' });
    await offer('text', { channel: 'sms', text: '{{ company.name }}: x. STOP to end', purpose: 'marketing' });
  }, START_MS_MAX);
  afterAll(async () => {
    await app.close();
    await smtp.stop();
  }, START_MS_MAX);
  beforeEach(async () => {
    person = await newPerson();
    await grant('email');
  });

  async function offer(
    key: string,
    template: { readonly channel: string; readonly [part: string]: string },
  ): Promise<void> {
    await accepted(api.post('/api/message-templates', { key, ...template }));
    await accepted(api.post('/api/actions', { key, name: key, template: key, channel: template.channel, value: 1 }));
  }
  async function accepted(asking: ReturnType<Client['post']>): Promise<never> {
    const { status, body } = await asking;
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  }
  async function newPerson(profile: object = {}): Promise<Person> {
    people += 1;
    const [email, phone] = [`blocked-${people}@example.org`, `+1202555${String(people).padStart(4, '0')}`];
    const id = await api.user({ email, phone, ...profile });
    return { id, email, phone, path: await pathOf(id) };
  }
  const pathOf = async (id: string): Promise<string> =>
    new URL((await accepted(api.post(`/api/users/${id}/preference-link`, {})))['url']).pathname;
  const grant = (channel: string, more: object = {}, id = person.id) =>
    accepted(api.post('/api/consents', { user_id: id, channel, status: 'granted', source: 'signup', ...more }));
  const suppress = async (more: object): Promise<string> =>
    ((await accepted(api.post('/api/suppressions', { address: person.email, ...more }))) as { id: string }).id;
  /** A suppression of the person, not of an address. */
  const suppressPerson = (more: object): Promise<string> =>
    suppress({ address: undefined, user_id: person.id, ...more });
  async function text(word: string): Promise<void> {
    words += 1;
    await accepted(api.post('/api/consents/keywords', { from: person.phone, text: word, message_id: `word-${words}` }));
  }

  const look = async ({ path } = person): Promise<string> => (await app.inject({ url: path })).body;
  const post = async (payload: string, { path } = person): Promise<string> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await app.inject({ method: 'POST', url: path, payload, headers });
    expect(answer.statusCode).toBe(200);
    return answer.body;
  };
  const save = async (ticked: readonly string[], whom = person) => post(formOf(await look(whom), ticked), whom);
  /** What the page says beside each choice that is blocked, as its box refers to it. */
  const blocks = (page: string): Record<string, string[]> => {
    const boxes = [...page.matchAll(/<input type="checkbox"[^>]*value="([^"]+)"[^>]*aria-describedby="([^"]+)"/g)];
    const notes = boxes.flatMap(([, key = '', id = '']) => {
      const [, note = ''] = new RegExp(`<p class="quiet" id="${id}">(.*?)</p>`).exec(page) ?? [];
      const lines = note.split('<br>').filter((line) => line.startsWith('<strong>Blocked</strong> '));
      return lines.length === 0 ? [] : [[key, lines.map((line) => line.slice('<strong>Blocked</strong> '.length))]];
    });
    return Object.fromEntries(notes) as Record<string, string[]>;
  };
  /** What the gate of suppressions says of an action. */
  async function refusal(action: string, id = person.id): Promise<string | null> {
    const asked = { user_id: id, actions: [action], dry_run: true };
    const { gates } = (await accepted(api.post('/api/decisions/next-best-action', asked))) as {
      gates: { gate: string; verdict: string; reason: string }[];
    };
    return gates.find(({ gate, verdict }) => gate === 'suppression' && verdict === 'refuse')?.reason ?? null;
  }
  const allowed = async (id = person.id): Promise<string[]> =>
    (
      (await accepted(api.get(`/api/consents/${id}/summary`))) as {
        consents: { purpose: string; channel: string; brand: string; is_allowed: boolean }[];
      }
    ).consents
      .filter(({ is_allowed }) => is_allowed)
      .map(({ purpose, channel, brand }) => `${purpose} ${channel} ${brand}`);
  const held = async (filter: string): Promise<string[]> =>
    ((await accepted(api.get(`/api/suppressions?${filter}`))) as { data: { reason: string }[] }).data.map(
      ({ reason }) => reason,
    );

  it('says after a STOP that START is needed, does not call a tick permission, and is free after START', async () => {
    await grant('sms');
    await text('STOP');
    const page = await look();
    expect([ticks(page), blocks(page)]).toEqual([[EMAIL], { [SMS]: [STOPPED] }]);
    expect(page).toContain(`${RECEIPTS}, but not by text message while that is blocked.`);
    const saved = await save([SMS]);
    expect(saved).toContain(`${SAVED}${ONE_BLOCKED}</p>`);
    expect([ticks(saved), blocks(saved)]).toEqual([[SMS], { [SMS]: [STOPPED] }]);
    expect([await allowed(), await refusal('text')]).toEqual([[SMS], 'SUPPRESSED_STOP']);
    expect(await save([SMS, EMAIL])).toContain(`${SAVED}One kind of message is allowed. ${ONE_BLOCKED}</p>`);
    await text('START');
    const free = await look();
    expect([ticks(free), blocks(free), await refusal('text')]).toEqual([[EMAIL, SMS], {}, null]);
    expect(free).toContain(`${RECEIPTS}.`);
    expect(await save([SMS])).toContain(`${SAVED}One kind of message is allowed.</p>`);
  });

  it('says after a complaint that every kind is blocked, and that a tick does not change that', async () => {
    const staged = await stage.person();
    const whom = { ...person, id: staged.id, path: await pathOf(staged.id) };
    await accepted(api.post(`/api/deliveries/${await staged.send()}/outcomes`, { kind: 'complained' }));
    const page = await look(whom);
    expect(ticks(page)).toEqual([EMAIL]);
    expect(blocks(page)).toEqual({ [EMAIL]: [REPORTED], [TIPS]: [REPORTED], [SMS]: [REPORTED], [PUSH]: [REPORTED] });
    expect(page).toContain(`${RECEIPTS}.`);
    const saved = await save([EMAIL, TIPS], whom);
    expect(saved).toContain(
      `${SAVED}2 kinds of messages are ticked, but blocked: they do not come. The reason is beside each.`,
    );
    expect([await refusal('news', staged.id), await refusal('tips', staged.id)]).toEqual([
      'SUPPRESSED_COMPLAINT',
      'SUPPRESSED_COMPLAINT',
    ]);
    // An operator lifts it, and what the person ticked holds.
    for (const filter of [`user_id=${staged.id}`, `address=${staged.email}`]) {
      const { data } = (await accepted(api.get(`/api/suppressions?${filter}`))) as { data: { id: string }[] };
      for (const { id } of data) await api.remove(`/api/suppressions/${id}`);
    }
    const free = await look(whom);
    expect([ticks(free), blocks(free)]).toEqual([[EMAIL, TIPS], {}]);
  });

  const LATER = '2099-12-14T10:05:00Z';
  it.each<[what: string, more: object, byGate: readonly (string | null)[], choices: readonly string[], says: string]>([
    ['every channel', {}, ['MANUAL', 'MANUAL', null], [EMAIL, TIPS], `because ${COMPANY} has stopped it. ${ASK}`],
    ['another channel', { channel: 'push' }, [null, null, null], [], ''],
    ['another purpose', { purpose: 'surveys' }, [null, null, null], [], ''],
    ['one purpose', { purpose: 'tips' }, [null, 'MANUAL', null], [TIPS], `because ${COMPANY} has stopped it. ${ASK}`],
    [
      'a bounce',
      { channel: 'email', reason: 'hard_bounce' },
      ['HARD_BOUNCE', 'HARD_BOUNCE', null],
      [EMAIL, TIPS],
      `because messages to this address came back. If it works again, or there is another one, please tell ${COMPANY}.`,
    ],
    [
      'bounces for a time',
      { channel: 'email', reason: 'soft_bounce', until: LATER },
      ['SOFT_BOUNCE', 'SOFT_BOUNCE', null],
      [EMAIL, TIPS],
      `because several messages to this address came back, until 14 December 2099 at 10:05 UTC. If it works again, or there is another one, please tell ${COMPANY}.`,
    ],
    [
      'a stop that START does not end',
      { channel: 'email', reason: 'stop' },
      ['STOP', 'STOP', null],
      [EMAIL, TIPS],
      `because we were told to stop. ${ASK}`,
    ],
  ])('names exactly what the gate refuses: an address, %s', async (_what, more, byGate, choices, says) => {
    const id = await suppress(more);
    const refusals = [await refusal('news'), await refusal('tips'), await refusal('text')];
    expect(refusals).toEqual(byGate.map((reason) => (reason === null ? null : `SUPPRESSED_${reason}`)));
    expect(blocks(await look())).toEqual(Object.fromEntries(choices.map((key) => [key, [says]])));
    await api.remove(`/api/suppressions/${id}`);
    expect(blocks(await look())).toEqual({});
  });

  it('names what holds for the person on one channel, for every brand, and not what holds for somebody else', async () => {
    await grant('email', { brand: 'other' });
    const other = await newPerson();
    await suppress({ address: other.email });
    expect(blocks(await look())).toEqual({});
    await suppressPerson({ channel: 'sms', reason: 'complaint' });
    expect(blocks(await look())).toEqual({ [SMS]: [REPORTED] });
    await suppressPerson({ channel: 'email', reason: 'complaint' });
    expect(Object.keys(blocks(await look())).sort()).toEqual([EMAIL, OTHER_BRAND, SMS, TIPS].sort());
    expect(await refusal('text')).toBe('SUPPRESSED_COMPLAINT');
  });

  it('names everything that holds, the gravest first and each once: what comes after START is told before', async () => {
    await suppressPerson({ reason: 'complaint' });
    await suppress({ address: person.phone, channel: 'sms', reason: 'complaint' });
    await text('STOP');
    await text('please no more of this, leave me alone');
    const { [SMS]: lines = [] } = blocks(await look());
    expect(lines.map((line) => line.split('. ')[0])).toEqual([
      'because STOP was texted from this number',
      'because a text message from this number seemed to ask for an end',
      'because a message from us was reported as spam',
    ]);
    expect(await refusal('text')).toBe('SUPPRESSED_STOP');
  });

  it('looks at the device that a notification would go to, and at no other', async () => {
    await grant('push');
    const device = async (name: string): Promise<string> => {
      await accepted(api.put(`/api/users/${person.id}/devices`, { platform: 'fcm', token: `${name}-${person.id}` }));
      const newest =
        'select address_hash as hash from user_devices where user_id = $1 order by last_seen_at desc, id desc';
      const [row] = await app.get(Database).query<{ hash: string }>({ text: newest, values: [person.id] });
      return row?.hash ?? '';
    };
    const suppressDevice = (hash: string): Promise<unknown> =>
      app.get(Database).query({
        text: `insert into suppressions (address_hash, reason, source, since) values ($1, 'erasure', 'spec', clock_timestamp())`,
        values: [hash],
      });
    const old = await device('old');
    const used = await device('used');
    await suppressDevice(old);
    expect([blocks(await look()), await refusal('note')]).toEqual([{}, null]);
    await suppressDevice(used);
    expect(blocks(await look())[PUSH]?.join()).toContain('because this device was erased');
    expect(await refusal('note')).toBe('SUPPRESSED_ERASURE');
  });

  it('says where not even a receipt comes', async () => {
    await suppress({ channel: 'email', reason: 'hard_bounce' });
    await suppress({ address: person.phone, reason: 'manual' });
    expect(await look()).toContain(`${RECEIPTS}, but not by email or by text message while that is blocked.`);
  });

  it('tells a person whose address somebody else had that it was erased', async () => {
    const former = await newPerson();
    await api.remove(`/api/users/${former.id}`);
    const whom = await newPerson({ email: former.email });
    expect(blocks(await look(whom))[EMAIL]?.join()).toContain('because this address was erased at the wish of whoever');
    expect(await save([EMAIL], whom)).toContain(`${SAVED}${ONE_BLOCKED}`);
    expect(await refusal('news', whom.id)).toBe('SUPPRESSED_ERASURE');
  });

  describe('because they unsubscribed elsewhere', () => {
    const UNSUBSCRIBED = { channel: 'email', reason: 'unsubscribe' };

    it('shows the box clear, and a new tick ends it at once, for what was ticked alone', async () => {
      await grant('email', { purpose: 'tips' });
      const id = await suppress(UNSUBSCRIBED);
      const page = await look();
      expect([ticks(page), blocks(page)]).toEqual([[], { [EMAIL]: [TICK], [TIPS]: [TICK] }]);
      expect(await refusal('tips')).toBe('SUPPRESSED_UNSUBSCRIBE');
      const wake = jest.spyOn(app.get(RunSignals), 'wake');
      const saved = await save([TIPS]);
      expect(wake.mock.calls.map(([, ids, because]) => [ids, because])).toContainEqual([
        [person.id],
        'suppression_changed',
      ]);
      wake.mockRestore();
      expect(saved).toContain(`${SAVED}One kind of message is allowed.</p>`);
      expect([ticks(saved), blocks(saved), await refusal('tips')]).toEqual([[TIPS], {}, null]);
      // The old permission for news would come to life again, and the person left that box clear.
      expect(await allowed()).toEqual([TIPS]);
      expect(await held(`address=${person.email}&lifted=true`)).toEqual(['unsubscribe']);
      const { data } = (await accepted(api.get('/api/audit-log'))) as {
        data: { action: string; principal: string; subject: string }[];
      };
      expect(data).toContainEqual(
        expect.objectContaining({ action: 'suppression.remove', principal: 'preference_page', subject: id }),
      );
    });

    it('changes nothing where nothing new is ticked', async () => {
      await suppress(UNSUBSCRIBED);
      expect(await save([])).toContain(`${SAVED}None of the messages below are allowed.`);
      await save([SMS]);
      expect(await held(`address=${person.email}`)).toEqual(['unsubscribe']);
      expect((await allowed()).sort()).toEqual([EMAIL, SMS]);
      const objected = await post(formOf(await look(), [EMAIL], true));
      expect(objected).toContain('You get no marketing on any channel.');
      expect(await held(`address=${person.email}`)).toEqual(['unsubscribe']);
    });

    it('is not undone by a page that was loaded before', async () => {
      const page = await look();
      await suppress(UNSUBSCRIBED);
      const saved = await post(formOf(page, [EMAIL, TIPS]));
      expect(saved).toContain(`${SAVED}None of the messages below are allowed.`);
      expect(blocks(saved)).toEqual({ [EMAIL]: [TICK], [TIPS]: [TICK] });
      expect([await allowed(), await refusal('tips')]).toEqual([[EMAIL], 'SUPPRESSED_UNSUBSCRIBE']);
      await save([EMAIL]);
      expect(await refusal('news')).toBeNull();
    });

    it('withdraws by a box that is cleared on a page that was loaded before', async () => {
      const page = await look();
      await suppress(UNSUBSCRIBED);
      await post(formOf(page, []));
      expect(await allowed()).toEqual([]);
    });

    it('is not undone for another person with the same address: only an operator can', async () => {
      await newPerson({ email: person.email });
      await suppress(UNSUBSCRIBED);
      const says = [`because this address was unsubscribed. ${ASK}`];
      expect(blocks(await look())).toEqual({ [EMAIL]: says, [TIPS]: says });
      expect(await save([TIPS, EMAIL])).toContain(`${SAVED}2 kinds of messages are ticked, but blocked`);
      expect(await refusal('tips')).toBe('SUPPRESSED_UNSUBSCRIBE');
    });

    it('ends what is the person’s own word and no other: a complaint beside it stays', async () => {
      await suppressPerson(UNSUBSCRIBED);
      await suppress({ reason: 'complaint' });
      const stays = formOf(await look(), [EMAIL]);
      const invented = `${stays}&liftable=${await suppress({ reason: 'manual' })}&liftable=1`;
      const saved = await post(invented);
      expect(await held(`user_id=${person.id}`)).toEqual([]);
      expect((await held(`address=${person.email}`)).sort()).toEqual(['complaint', 'manual']);
      expect(saved).toContain(`${SAVED}${ONE_BLOCKED}`);
    });

    it('is judged under the lock: one that comes while the form waits for it is not undone', async () => {
      const page = formOf(await look(), [TIPS, EMAIL]);
      const database = app.get(Database);
      let saving: Promise<string> | undefined;
      await database.transaction(async (transaction) => {
        const lock = 'select 1 from contact_state where user_id = $1 for update';
        await transaction.query({ text: lock, values: [person.id] });
        saving = post(page);
        await lockWaits(database, 'contact_state');
        await transaction.query({
          text: `insert into suppressions (user_id, reason, source, since) values ($1, 'unsubscribe', 'spec', clock_timestamp())`,
          values: [person.id],
        });
      });
      expect(blocks((await saving) ?? '')[TIPS]).toEqual([TICK]);
      expect([await allowed(), await refusal('tips')]).toEqual([[EMAIL], 'SUPPRESSED_UNSUBSCRIBE']);
    });
  });
});
