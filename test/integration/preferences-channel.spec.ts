import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { UsersRepository } from '../../src/modules/users/users.repository.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';

const SETUP_MS_MAX = 120_000;
const FORM = 'application/x-www-form-urlencoded';
const EMAIL = 'marketing email default';
const NONE = 'none';

/** A form as it is sent. */
type Fields = [name: string, value: string][];

describe('the preferred channel on the preference page', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  let api: RunStage['api'];
  let id: string;
  let path: string;

  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    stage = new RunStage(app);
    api = stage.api;
    await stage.publish('prefers');
  }, SETUP_MS_MAX);
  afterAll(() => app.close());
  beforeEach(async () => {
    await stage.query('delete from message_templates');
    await person({ email: 'ada@example.org', phone: '+12025550123' });
  });

  /** Makes the person whose page it is. */
  async function person(profile: object): Promise<void> {
    id = await api.user(profile);
    const made = await api.post(`/api/users/${id}/preference-link`, {});
    path = new URL((made.body as { url: string }).url).pathname;
  }
  const loaded = async (): Promise<string> => (await app.inject({ url: path })).body;
  const post = (fields: Fields) =>
    app.inject({
      method: 'POST',
      url: path,
      payload: new URLSearchParams(fields).toString(),
      headers: { 'content-type': FORM },
    });
  /** What a browser sends of a page: what it carries hidden, the boxes that are ticked, and what is marked. */
  const formOf = (page: string, marked: string, ticked: readonly string[] = []): Fields => {
    const hidden = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]+)"/g)];
    return [
      ...hidden.map(([, name = '', value = '']) => [name, value] as Fields[number]),
      ...ticked.map((key) => ['allow', key] as Fields[number]),
      ['prefer', marked],
    ];
  };
  const save = async (marked: string, ticked: readonly string[] = []) => post(formOf(await loaded(), marked, ticked));
  const radios = (page: string): string[] =>
    [...page.matchAll(/<input type="radio"[^>]* value="([^"]+)"/g)].map(([, value = '']) => value);
  const marked = (page: string): string[] =>
    [...page.matchAll(/<input type="radio"[^>]* value="([^"]+)" checked/g)].map(([, value = '']) => value);
  const stored = async (): Promise<unknown> =>
    ((await api.get(`/api/users/${id}`)).body as { preferred_channel: unknown }).preferred_channel;
  const history = async (): Promise<readonly object[]> =>
    ((await api.get(`/api/consents/${id}`)).body as { data: object[] }).data;
  const trail = (): Promise<readonly object[]> =>
    stage.query(
      `select principal, action, detail from audit_log where subject = $1 and action like 'user%' order by id`,
      id,
    );
  const template = (channel: string, parts: object) =>
    api.post('/api/message-templates', { key: `of_${channel}`, channel, legal_basis: 'contract', ...parts });

  it('offers what is sent, and where the person can be reached, and nothing else', async () => {
    const page = await loaded();
    expect(radios(page)).toEqual([NONE, 'email', 'sms']);
    expect(marked(page)).toEqual([NONE]);
    for (const words of [
      'Where I would rather hear from you',
      'No preference',
      'By email',
      'By text message',
      'It permits nothing by itself',
    ]) {
      expect(page).toContain(words);
    }
    const device = await api.put(`/api/users/${id}/devices`, { platform: 'fcm', token: 'preferring-device:APA91b' });
    expect(device.status).toBe(201);
    expect((await template('in_app', { title: 'x', body: 'y' })).status).toBe(201);
    expect((await template('webhook', { endpoint: 'crm', body: '{}' })).status).toBe(201);
    const more = await loaded();
    expect(radios(more)).toEqual([NONE, 'email', 'sms', 'push', 'in_app']);
    expect(more).toContain('As app notifications');
    expect(more).toContain('In the app');
    await stage.query(
      `update user_devices set state = 'gone', address = null, gone_at = date_trunc('milliseconds', clock_timestamp()) where user_id = $1`,
      id,
    );
    expect(radios(await loaded())).toEqual([NONE, 'email', 'sms', 'in_app']);
    await person({});
    expect(radios(await loaded())).toEqual([NONE, 'email', 'in_app']);
    await api.post('/api/consents', { user_id: id, channel: 'sms', status: 'withdrawn', source: 'spec' });
    expect(radios(await loaded())).toEqual([NONE, 'email', 'sms', 'in_app']);
  });

  it('shows what is preferred also where the person cannot be reached there any more', async () => {
    await person({ email: 'ada@example.org', preferred_channel: 'push' });
    const page = await loaded();
    expect([radios(page), marked(page)]).toEqual([[NONE, 'email', 'push'], ['push']]);
  });

  it('is a group of labelled buttons under one name that explains itself', async () => {
    const page = await loaded();
    const [group = ''] = /<fieldset[^>]*><legend>Where I[^]*?<\/fieldset>/.exec(page) ?? [];
    const [, note = ''] = /^<fieldset aria-describedby="([^"]+)"/.exec(group) ?? [];
    expect(group).toMatch(new RegExp(`<p [^>]*id="${note}">A wish`));
    const buttons = [...group.matchAll(/<input type="radio" id="([^"]+)" name="([^"]+)"/g)];
    expect(buttons).toHaveLength(3);
    expect(new Set(buttons.map(([, , name]) => name)).size).toBe(1);
    for (const [, name] of buttons) expect(group).toMatch(new RegExp(`<label for="${name}">\\S`));
  });

  it('is saved and removed with the form, says so, permits nothing, and is told as the person’s word', async () => {
    const { runKey } = await stage.enter(id, 'prefers');
    const saved = await save('sms');
    expect(saved.statusCode).toBe(200);
    expect(marked(saved.body)).toEqual(['sms']);
    expect(saved.body).toMatch(/role="status">Saved\. [^<]*Preferred: by text message\.</);
    expect(await stored()).toBe('sms');
    expect(await history()).toEqual([]);
    const told = { principal: 'preference_page', action: 'user.amend', detail: { set: ['preferred_channel'] } };
    expect(await trail()).toEqual([told]);
    expect(await stage.told(runKey)).toMatchObject([{ argument: { because: 'profile_changed' } }]);
    const removed = await save(NONE);
    expect(marked(removed.body)).toEqual([NONE]);
    expect(removed.body).not.toContain('You would rather');
    expect(await stored()).toBeNull();
    expect(await trail()).toEqual([told, told]);
  });

  it('is no news where it is saved again', async () => {
    const { runKey } = await stage.enter(id, 'prefers');
    const form = formOf(await loaded(), 'sms');
    await Promise.all(Array.from({ length: 6 }, () => post(form)));
    await save('sms');
    expect([await stored(), (await trail()).length, (await stage.told(runKey)).length]).toEqual(['sms', 1, 1]);
  });

  it.each<[string, (fields: Fields) => Fields]>([
    ['neither what was shown nor what is marked', (all) => all.filter(([name]) => !name.startsWith('prefer'))],
    ['nothing marked', (all) => all.filter(([name]) => name !== 'prefer')],
  ])('stays as it is where the form has %s', async (_what, without) => {
    await api.put(`/api/users/${id}`, { email: 'ada@example.org', preferred_channel: 'sms' });
    const saved = await post(without(formOf(await loaded(), 'email', [EMAIL])));
    expect(saved.statusCode).toBe(200);
    expect(await history()).toHaveLength(1);
    expect(await stored()).toBe('sms');
  });

  it('stays as it became after the page was loaded, unless the person touched it there', async () => {
    const page = await loaded();
    await api.put(`/api/users/${id}`, { email: 'ada@example.org', preferred_channel: 'email' });
    const untouched = await post(formOf(page, NONE, [EMAIL]));
    expect(marked(untouched.body)).toEqual(['email']);
    expect([await stored(), (await history()).length, await trail()]).toEqual(['email', 1, []]);
    const touched = await post(formOf(page, 'sms', [EMAIL]));
    expect(marked(touched.body)).toEqual(['sms']);
    expect(await stored()).toBe('sms');
  });

  it('is kept when the company writes the profile anew without it', async () => {
    await save('sms');
    await api.put(`/api/users/${id}`, { email: 'new@example.org' });
    expect(marked(await loaded())).toEqual(['sms']);
  });

  it.each<[string, (fields: Fields) => Fields]>([
    ['a channel that reaches nobody', (all) => change(all, 'prefer', 'webhook')],
    ['a channel that is none', (all) => change(all, 'prefer', 'constructor')],
    ['nothing where a channel stands', (all) => change(all, 'prefer', '')],
    ['a shown channel that is none', (all) => change(all, 'preferring', 'fax')],
    ['two of them', (all) => [...all, ['prefer', 'email']]],
    ['two that were shown', (all) => [...all, ['preferring', 'email']]],
    ['one without what was shown', (all) => all.filter(([name]) => name !== 'preferring')],
  ])('is not understood, and nothing of the form is saved: %s', async (_what, forge) => {
    const answer = await post(forge(formOf(await loaded(), 'sms', [EMAIL])));
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([400, 'text/html; charset=utf-8']);
    expect([await stored(), await history()]).toEqual([null, []]);
  });

  it('is saved together with the choices, or neither is', async () => {
    const prefer = jest.spyOn(app.get(UsersRepository), 'prefer').mockRejectedValueOnce(new Error('planted'));
    try {
      expect((await save('sms', [EMAIL])).statusCode).toBe(500);
      expect([await stored(), await history()]).toEqual([null, []]);
      expect((await save('sms', [EMAIL])).statusCode).toBe(200);
      expect([await stored(), (await history()).length]).toEqual(['sms', 1]);
    } finally {
      prefer.mockRestore();
    }
  });

  it('is nobody’s once the person is erased', async () => {
    const form = formOf(await loaded(), 'sms');
    await api.remove(`/api/users/${id}`);
    expect((await post(form)).statusCode).toBe(404);
    const [row] = await stage.query<object>('select preferred_channel from users where id = $1', id);
    expect(row).toEqual({ preferred_channel: null });
  });
});

const change = (fields: Fields, name: string, value: string): Fields =>
  fields.map((field) => (field[0] === name ? [name, value] : field));
