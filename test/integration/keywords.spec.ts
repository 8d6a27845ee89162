import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { KeywordsRepository } from '../../src/modules/consents/keywords.repository.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { lockWaits, stall } from '../support/concurrency.js';

/** A busy machine takes its time to make the tables and start the API. */
const START_MS_MAX = 120_000;

interface Taken {
  readonly meaning: string | null;
  readonly reply: string | null;
  readonly user_ids: readonly string[];
  readonly text: string | null;
}

const STOPPED = 'Bobby & Co: you will get no more text messages from us. Reply START to get them again.';

describe('keywords by text message', () => {
  let app: NestFastifyApplication;
  let api: Client;
  let messages = 0;
  let numbers = 0;
  let from: string;

  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000', COMPANY_NAME: 'Bobby & Co' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    api = clientOf(app);
  }, START_MS_MAX);
  afterAll(async () => {
    await app.close();
  }, START_MS_MAX);
  beforeEach(() => {
    numbers += 1;
    from = `+120255501${String(numbers).padStart(2, '0')}`;
  });

  async function say(text: string, more: object = {}): Promise<Taken> {
    messages += 1;
    const taken = await api.post('/api/consents/keywords', { from, text, message_id: `m-${messages}`, ...more });
    if (taken.status !== 201) throw new Error(`${taken.status} ${JSON.stringify(taken.body)}`);
    return taken.body;
  }
  const person = async (...purposes: readonly string[]): Promise<string> => {
    const id = await api.user({ phone: from });
    for (const purpose of purposes) {
      await api.post('/api/consents', { user_id: id, channel: 'sms', purpose, status: 'granted', source: 'spec' });
    }
    return id;
  };
  const allowed = async (id: string): Promise<string[]> => {
    const { consents } = (await api.get(`/api/consents/${id}/summary`)).body as {
      consents: { purpose: string; channel: string; is_allowed: boolean }[];
    };
    return consents.filter(({ is_allowed }) => is_allowed).map(({ purpose, channel }) => `${purpose} ${channel}`);
  };
  const suppressed = async (): Promise<string[]> => {
    const found = await api.get(`/api/suppressions?address=${encodeURIComponent(from)}`);
    return (found.body as { data: { reason: string; channel: string; source: string }[] }).data
      .map(({ reason, channel, source }) => `${reason} ${channel} ${source}`)
      .sort();
  };

  it('STOP withdraws every purpose on this channel for everybody with the number, and suppresses the number', async () => {
    const [one, two] = [await person('marketing', 'newsletter'), await person('marketing')];
    await api.post('/api/consents', { user_id: one, channel: 'email', status: 'granted', source: 'spec' });
    const taken = await say(' stop! ');
    expect(taken).toMatchObject({ meaning: 'stop', reply: STOPPED, text: null });
    expect([...taken.user_ids].sort()).toEqual([one, two].sort());
    expect(await allowed(one)).toEqual(['marketing email']);
    expect(await allowed(two)).toEqual([]);
    expect(await suppressed()).toEqual(['stop sms sms_keyword']);
  });

  it('STOP from a number that nobody has suppresses it all the same, for whoever comes with it', async () => {
    expect(await say('STOP')).toMatchObject({ user_ids: [], reply: STOPPED });
    expect(await suppressed()).toEqual(['stop sms sms_keyword']);
  });

  it('knows the number however it is written', async () => {
    const id = await person('marketing');
    const written = from.replace(/^\+1(\d{3})(\d{3})/, '001 ($1) $2-');
    expect((await say('Opt-Out', { from: written })).user_ids).toEqual([id]);
    expect(await allowed(id)).toEqual([]);
  });

  it('gets one confirmation: a second STOP is recorded and not answered', async () => {
    await person('marketing');
    expect((await say('STOP')).reply).toBe(STOPPED);
    expect((await say('stop')).reply).toBeNull();
  });

  it('takes a message once, however often and however many at once', async () => {
    const id = await person('marketing');
    const answers = await Promise.all(Array.from({ length: 8 }, () => say('STOP', { message_id: `once-${from}` })));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.reply).toBe(STOPPED);
    await say('START');
    expect((await say('STOP', { message_id: `once-${from}` })).reply).toBe(STOPPED);
    expect(await allowed(id)).toEqual(['marketing sms']);
  });

  it('takes a message of another number, though its id was seen before: a STOP is never lost', async () => {
    const other = await person('marketing');
    await say('hello', { message_id: 'of-two' });
    from = from.replace('+1202', '+1303');
    const id = await person('marketing');
    expect(await say('STOP', { message_id: 'of-two' })).toMatchObject({
      meaning: 'stop',
      user_ids: [id],
      reply: STOPPED,
    });
    expect([await allowed(id), await allowed(other)]).toEqual([[], ['marketing sms']]);
    expect(await suppressed()).toEqual(['stop sms sms_keyword']);
  });

  it('takes a STOP and a later START one after the other, also from a number that nobody has', async () => {
    const keywords = app.get(KeywordsRepository);
    const reading = stall(keywords.lastWord.bind(keywords));
    const spy = jest.spyOn(keywords, 'lastWord').mockImplementationOnce(reading.call);
    const stop = say('STOP', { received_at: '2026-05-01T10:00:00Z' });
    await reading.arrived;
    spy.mockRestore();
    const start = say('START', { received_at: '2026-05-01T11:00:00Z' });
    await lockWaits(app.get(Database), 'advisory');
    reading.goOn();
    await Promise.all([stop, start]);
    expect(await suppressed()).toEqual([]);
  });

  it.each(['START', 'yes', 'Unstop.'])('%s grants anew what STOP took, and lifts the suppression', async (word) => {
    const id = await person('marketing', 'newsletter');
    const withdrawn = { user_id: id, channel: 'sms', purpose: 'newsletter', status: 'withdrawn', source: 'page' };
    await api.post('/api/consents', withdrawn);
    await say('STOP');
    const taken = await say(word);
    expect(taken).toMatchObject({ meaning: 'start', reply: expect.stringContaining('Reply STOP') });
    expect(await allowed(id)).toEqual(['marketing sms']);
    expect(await suppressed()).toEqual([]);
  });

  it('YES confirms what waits for it, and grants nothing to somebody who was asked something else', async () => {
    const asked = await api.user({ phone: from });
    await api.post('/api/consents', { user_id: asked, channel: 'sms', status: 'pending', source: 'spec' });
    const other = await api.user({ phone: from });
    const refused = await api.user({ phone: from });
    await api.post('/api/consents', { user_id: refused, channel: 'sms', status: 'withdrawn', source: 'spec' });
    const expired = await api.user({ phone: from });
    const past = { stated_at: '2026-01-01T00:00:00Z', expires_at: '2026-02-01T00:00:00Z', source: 'spec' };
    await api.post('/api/consents', { user_id: expired, channel: 'sms', status: 'granted', ...past });
    await say('YES');
    expect(await Promise.all([asked, other, refused, expired].map(allowed))).toEqual([['marketing sms'], [], [], []]);
  });

  it('START lifts an objection for text messages only', async () => {
    const id = await person('marketing');
    await api.post('/api/consents', { user_id: id, channel: 'email', status: 'granted', source: 'spec' });
    await api.post(`/api/consents/${id}/objection`, { source: 'call' });
    await say('START');
    expect(await allowed(id)).toEqual(['marketing sms']);
  });

  it('leaves other suppressions of the number alone', async () => {
    await api.post('/api/suppressions', { address: from, reason: 'manual' });
    await say('STOP');
    await say('START');
    expect(await suppressed()).toEqual(['manual null api']);
  });

  it.each<[string, readonly [string, string][], boolean]>([
    [
      'STOP, then START',
      [
        ['STOP', '10:00'],
        ['START', '11:00'],
      ],
      true,
    ],
    [
      'START, then STOP',
      [
        ['START', '10:00'],
        ['STOP', '11:00'],
      ],
      false,
    ],
    [
      'both at once',
      [
        ['START', '10:00'],
        ['STOP', '10:00'],
      ],
      false,
    ],
    [
      'STOP, then YES',
      [
        ['STOP', '10:00'],
        ['YES', '11:00'],
      ],
      true,
    ],
    [
      'START between two STOPs',
      [
        ['STOP', '10:00'],
        ['START', '11:00'],
        ['STOP', '12:00'],
      ],
      false,
    ],
  ])('ends in the same state in whatever order the messages come: %s', async (_what, said, isAllowed) => {
    for (const order of permutations(said)) {
      numbers += 1;
      from = `+14165550${String(numbers).padStart(3, '0')}`;
      const id = await api.user({ phone: from });
      const old = { user_id: id, channel: 'sms', status: 'granted', source: 'spec', stated_at: '2026-01-01T00:00:00Z' };
      await api.post('/api/consents', old);
      for (const [word, time] of order) await say(word, { received_at: `2026-05-01T${time}:00Z` });
      const what = order.map(([word, time]) => `${word} ${time}`).join(', ');
      expect([what, await allowed(id), await suppressed()]).toEqual([
        what,
        isAllowed ? ['marketing sms'] : [],
        isAllowed ? [] : ['stop sms sms_keyword'],
      ]);
    }
  });

  it('does not believe a START that is dated in the future more than the STOP after it', async () => {
    const id = await person('marketing');
    await say('START', { received_at: '2099-01-01T00:00:00Z' });
    await say('STOP');
    expect(await allowed(id)).toEqual([]);
    expect(await suppressed()).toEqual(['stop sms sms_keyword']);
  });

  it('blocks the number when words of the person seem to ask for it, until an operator has read them', async () => {
    const id = await person('marketing');
    const words = 'Please do not text me at night';
    expect(await say(words)).toMatchObject({ meaning: 'maybe_stop', text: words, reply: null });
    expect(await allowed(id)).toEqual(['marketing sms']);
    expect(await suppressed()).toEqual(['manual sms keyword_review']);
    const listed = (await api.get('/api/consents/keywords?meaning=maybe_stop')).body as { data: Taken[] };
    expect(listed.data).toMatchObject([{ text: words, user_ids: [id] }]);
    await api.remove(`/api/users/${id}`);
    const after = (await api.get('/api/consents/keywords?meaning=maybe_stop')).body as { data: Taken[] };
    expect(after.data.map(({ text }) => text)).toEqual([null]);
  });

  it('answers HELP, and changes nothing by it or by any other text', async () => {
    const id = await person('marketing');
    expect((await say('help')).reply).toBe('Bobby & Co: reply STOP to get no more text messages from us.');
    expect(await say('see you at the end of the week')).toMatchObject({ meaning: null, reply: null, text: null });
    expect(await allowed(id)).toEqual(['marketing sms']);
    expect(await suppressed()).toEqual([]);
  });

  it('waits for the lock of everybody with the number that a claim holds', async () => {
    const id = await person('marketing');
    const order: string[] = [];
    const database = app.get(Database);
    let stop: Promise<unknown> | undefined;
    await database.transaction(async (transaction) => {
      await transaction.query({ text: 'select 1 from contact_state where user_id = $1 for update', values: [id] });
      stop = say('STOP').then(() => order.push('stop'));
      await lockWaits(database, 'contact_state');
      order.push('claim');
    });
    await stop;
    expect(order).toEqual(['claim', 'stop']);
  });
});

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((item, index) =>
    permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]),
  );
}
