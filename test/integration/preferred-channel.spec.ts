import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AudienceMembers } from '../../src/modules/audience-syncs/audience-members.repository.js';
import { BulkUsers } from '../../src/modules/bulk-enrolments/bulk-users.repository.js';
import { DecisionInputs } from '../../src/modules/decisions/index.js';
import { FactsRepository } from '../../src/modules/decisions/facts.repository.js';
import { JourneyGatesRepository } from '../../src/modules/journeys/life/journey-gates.repository.js';
import { RunSignals } from '../../src/modules/journeys/index.js';
import { SimulationSources } from '../../src/modules/simulations/simulation-sources.repository.js';
import { RunQuestions } from '../../src/modules/steps/index.js';
import { RunQuestionsRepository } from '../../src/modules/steps/run-questions.repository.js';
import { attributesOf, type ProfileFacts } from '../../src/modules/users/index.js';
import { Database } from '../../src/platform/database/database.js';
import { createTestApp } from '../support/app.js';
import type { Client } from '../support/client.js';
import { RunStage } from '../support/run-stage.js';

const SETUP_MS_MAX = 120_000;

describe('the channel that a person prefers', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    jest.spyOn(app.get(RunSignals), 'kick').mockReturnValue();
    stage = new RunStage(app);
    api = stage.api;
    await stage.publish('prefers');
  }, SETUP_MS_MAX);
  afterAll(() => app.close());

  let people = 0;
  const nextExternalId = (): string => `prefers-${(people += 1)}`;
  const preferred = async (id: string): Promise<unknown> =>
    ((await api.get(`/api/users/${id}`)).body as { preferred_channel?: unknown }).preferred_channel;
  const idOf = async (externalId: string): Promise<string> =>
    ((await api.get(`/api/users/ext:${externalId}`)).body as { id: string }).id;
  const batch = (...users: readonly object[]) => api.post('/api/users/batch', { users });

  describe('in a profile', () => {
    it('is none for a new person of whom nothing else is said, and else what is said', async () => {
      expect(await preferred(await api.user())).toBeNull();
      expect(await preferred(await api.user({ preferred_channel: null }))).toBeNull();
      for (const channel of ['email', 'sms', 'push', 'in_app']) {
        expect(await preferred(await api.user({ preferred_channel: channel }))).toBe(channel);
      }
      const [put, none, one] = [nextExternalId(), nextExternalId(), nextExternalId()];
      const made = await api.put(`/api/users/ext:${put}`, { preferred_channel: 'push' });
      expect(made).toMatchObject({ status: 201, body: { preferred_channel: 'push' } });
      await batch({ external_id: none }, { external_id: one, preferred_channel: 'in_app' });
      expect([await preferred(await idOf(none)), await preferred(await idOf(one))]).toEqual([null, 'in_app']);
      const { data } = (await api.get(`/api/users?external_id=${one}`)).body as { data: object[] };
      expect(data).toMatchObject([{ preferred_channel: 'in_app' }]);
    });

    it.each<[string, (externalId: string, profile: object) => Promise<unknown>]>([
      ['one by one', (externalId, profile) => api.put(`/api/users/ext:${externalId}`, profile)],
      ['in a batch', (external_id, profile) => batch({ external_id: nextExternalId() }, { external_id, ...profile })],
    ])('stays where it is left out while all else is replaced, and null removes it: %s', async (_how, write) => {
      const external_id = nextExternalId();
      const id = await api.user({ external_id, name: 'Ada', preferred_channel: 'sms' });
      await write(external_id, { timezone: 'Asia/Tokyo' });
      expect((await api.get(`/api/users/${id}`)).body).toMatchObject({
        name: null,
        timezone: 'Asia/Tokyo',
        preferred_channel: 'sms',
      });
      await write(external_id, { preferred_channel: 'email' });
      expect(await preferred(id)).toBe('email');
      await write(external_id, { preferred_channel: null });
      expect(await preferred(id)).toBeNull();
      await write(external_id, {});
      expect(await preferred(id)).toBeNull();
    });

    it('is each person’s own in a batch where some say it and some do not', async () => {
      const [kept, moved, removed] = [nextExternalId(), nextExternalId(), nextExternalId()];
      const made = [kept, moved, removed].map((external_id) => api.user({ external_id, preferred_channel: 'sms' }));
      const ids = await Promise.all(made);
      await batch(
        { external_id: kept },
        { external_id: moved, preferred_channel: 'push' },
        { external_id: removed, preferred_channel: null },
      );
      expect(await Promise.all(ids.map(preferred))).toEqual(['sms', 'push', null]);
    });

    it.each(['webhook', 'fax', 'Email', '', 5])('is no channel that reaches nobody: %j', async (channel) => {
      const external_id = nextExternalId();
      const id = await api.user({ external_id, preferred_channel: 'sms', name: 'Ada' });
      const wrong = { external_id, preferred_channel: channel };
      for (const [refused, path] of [
        [await api.post('/api/users', { ...wrong, external_id: nextExternalId() }), 'preferred_channel'],
        [await api.put(`/api/users/${id}`, wrong), 'preferred_channel'],
        [await batch({ external_id: nextExternalId() }, wrong), 'users[1].preferred_channel'],
      ] as const) {
        expect(refused).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT', errors: [{ path }] } });
      }
      expect((await api.get(`/api/users/${id}`)).body).toMatchObject({ name: 'Ada', preferred_channel: 'sms' });
    });

    it('is kept by the table as one of those, whoever writes it', async () => {
      const id = await api.user();
      const write = stage.query(`update users set preferred_channel = 'webhook' where id = $1`, id);
      await expect(write).rejects.toThrow(/users_preferred_channel/);
    });

    it.each<[string, (externalId: string, profile: object) => Promise<unknown>]>([
      ['one by one', (externalId, profile) => api.put(`/api/users/ext:${externalId}`, profile)],
      ['in a batch', (external_id, profile) => batch({ external_id, ...profile })],
    ])('wakes the person’s runs where it changes, and only there: %s', async (_how, write) => {
      const external_id = nextExternalId();
      const id = await api.user({ external_id, name: 'Ada', preferred_channel: 'sms' });
      const { runKey } = await stage.enter(id, 'prefers');
      await write(external_id, { name: 'Ada' });
      await write(external_id, { name: 'Ada', preferred_channel: 'sms' });
      expect(await stage.told(runKey)).toEqual([]);
      await write(external_id, { name: 'Ada', preferred_channel: 'email' });
      expect(await stage.told(runKey)).toMatchObject([{ argument: { because: 'profile_changed' } }]);
      await write(external_id, { name: 'Ada', preferred_channel: null });
      expect(await stage.told(runKey)).toHaveLength(2);
    });

    it('goes with the person', async () => {
      const id = await api.user({ preferred_channel: 'sms' });
      expect((await api.remove(`/api/users/${id}`)).status).toBe(204);
      const [row] = await stage.query<object>(
        `select preferred_channel, erased_at is not null as is_erased from users where id = $1`,
        id,
      );
      expect(row).toEqual({ preferred_channel: null, is_erased: true });
    });
  });

  describe('as conditions and templates see it', () => {
    let id: string;
    let runKey: string;
    beforeAll(async () => {
      id = await api.user({ preferred_channel: 'in_app' });
      ({ runKey } = await stage.enter(id, 'prefers'));
    });

    /** The last person by id stands on a page of their own. */
    const before = async (): Promise<string | null> =>
      (await stage.query<{ id: string }>('select id from users where id < $1 order by id desc limit 1', id))[0]?.id ??
      null;
    const asked = () => ({
      user: { kind: 'id', id } as const,
      run: null,
      clockDomain: 'real',
      now: null,
      horizons: { contactsMs: 0, outcomesMs: 0 },
    });
    const database = (): Database => app.get(Database);
    const journeyId = async (): Promise<string> =>
      (await stage.query<{ id: string }>(`select id from journeys where key = 'prefers'`))[0]?.id ?? '';

    it.each<[string, () => Promise<ProfileFacts | null | undefined>]>([
      ['a decision', async () => (await app.get(FactsRepository).load(database(), asked())).user],
      [
        'a question of a run',
        () => app.get(RunQuestionsRepository).facts({ userId: id, runKey, clockDomain: 'real', now: null }),
      ],
      ['a simulation', async () => (await app.get(SimulationSources).people(await before(), 1))[0]],
      ['an enrolment of many', async () => (await app.get(BulkUsers).named([id])).get(id)],
      [
        'the entry of a journey',
        async () => {
          const gates = { journeyId: await journeyId(), userId: id, clockDomain: 'real', withProfile: true };
          const read = await database().transaction((each) => app.get(JourneyGatesRepository).read(each, gates));
          return read.profile;
        },
      ],
      [
        'an audience',
        async () => {
          const page = { after: await before(), limit: 1, purpose: 'advertising' };
          const [candidate] = await database().transaction((each) => app.get(AudienceMembers).candidates(each, page));
          return candidate;
        },
      ],
    ])('is read for %s', async (_what, read) => {
      const profile = await read();
      expect(profile).toMatchObject({ preferredChannel: 'in_app' });
      expect(profile && attributesOf(profile)).toMatchObject({ preferred_channel: 'in_app' });
    });

    it('answers a condition, and is null where there is none', async () => {
      const holds = (user: string, value: string | null): Promise<boolean> =>
        app.get(RunQuestions).holds(user, { kind: 'equals', attribute: 'preferred_channel', value });
      expect([await holds(id, 'in_app'), await holds(id, 'sms'), await holds(id, null)]).toEqual([true, false, false]);
      const other = await api.user();
      expect([await holds(other, 'in_app'), await holds(other, null)]).toEqual([false, true]);
    });

    it('stands in the record of a decision whose condition asked for it, and in no other', async () => {
      const words = '{{ unsubscribe_url }} {{ company.address }}';
      await api.post('/api/message-templates', { key: 'preferring', subject: 'x', html: words, text: words });
      const action = (key: string, more: object) =>
        api.post('/api/actions', { key, name: key, template: 'preferring', value: 1, ...more });
      const suitability = { kind: 'equals', attribute: 'preferred_channel', value: 'in_app' };
      expect((await action('asks_channel', { suitability })).status).toBe(201);
      expect((await action('asks_nothing', {})).status).toBe(201);
      const recorded = async (key: string): Promise<unknown> => {
        const { input } = await app.get(DecisionInputs).read(database(), {
          ...asked(),
          weighs: { kind: 'actions', keys: [key] },
          journey: null,
          context: {},
        });
        return input.user.attributes;
      };
      expect(await recorded('asks_channel')).toEqual({ preferred_channel: 'in_app' });
      expect(await recorded('asks_nothing')).toEqual({});
    });
  });
});
