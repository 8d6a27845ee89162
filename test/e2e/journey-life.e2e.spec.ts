import type { JourneyLifeView } from '../../src/modules/journeys/life/journey-life.dto.js';
import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;
const RUNS = 12;

describe('the life of a journey, on the real server', () => {
  let tactful: Tactful;
  /** A run that asks again waits for up to a minute: this one does so beside the others. */
  let holding: Promise<void>;
  beforeAll(async () => {
    tactful = await startTactful({ POLICY_WAKES_PER_SECOND: '5' });
    const content = { subject: 'Hi', html: '<p>Hi</p>', text: 'Hi' };
    const receipt = { key: 'receipt', channel: 'email', purpose: 'transactional', legal_basis: 'contract', ...content };
    await tactful.post('/api/message-templates', receipt);
    holding = holdAndLift();
    holding.catch(() => undefined);
  }, 3 * MINUTE_MS);
  afterAll(() => tactful.stop(), 3 * MINUTE_MS);

  async function publish(key: string): Promise<void> {
    const steps = [
      { kind: 'wait_for', id: 'order', event: 'ordered', timeout: 'P30D' },
      { kind: 'message', id: 'receipt', channel: 'email', template: 'receipt', on_refusal: 'exit' },
      { kind: 'end', id: 'told', reason: 'told' },
    ];
    await tactful.post('/api/journeys/templates', { key, name: key, steps });
    await tactful.post(`/api/journeys/templates/${key}/publish`, {});
  }
  async function enter(
    journey: string,
  ): Promise<{ readonly userId: string; readonly email: string; readonly id: string }> {
    const email = `${crypto.randomUUID()}@example.org`;
    const { id: userId } = await tactful.post<{ id: string }>('/api/users', { email });
    const { id } = await tactful.post<EnrolmentView>(`/api/journeys/${userId}/enroll`, { journey });
    return { userId, email, id };
  }
  const move = (key: string, name: string): Promise<JourneyLifeView> =>
    tactful.post<JourneyLifeView>(`/api/journeys/templates/${key}/${name}`, { reason: 'spec' });
  const journey = (key: string): Promise<JourneyLifeView> => tactful.get(`/api/journeys/templates/${key}`);
  const reached = (id: string, isSo: (run: RunView) => boolean): Promise<RunView> =>
    until(() => tactful.get<RunView>(`/api/runs/${id}`), isSo);
  const order = (userId: string): Promise<unknown> =>
    tactful.post('/api/events', { user_id: userId, event_name: 'ordered' });
  const mailsTo = (some: readonly { readonly email: string }[]): number =>
    tactful.smtp.taken.filter(({ to }) => some.some(({ email }) => email === to)).length;
  async function holdAndLift(): Promise<void> {
    await publish('held');
    const { id, userId } = await enter('held');
    await reached(id, ({ state }) => state === 'waiting');
    await tactful.post(`/api/users/${userId}/hold`, { reason: 'spec' });
    await order(userId);
    await reached(id, ({ waits_for: waitsFor }) => waitsFor === 'receipt: put off, USER_ON_HOLD');
    expect((await tactful.app.inject({ method: 'DELETE', url: `/api/users/${userId}/hold` })).statusCode).toBe(204);
    expect(await reached(id, ({ ended_at }) => ended_at !== null)).toMatchObject({ reason: 'told' });
  }
  async function enterMany(key: string) {
    const all = await Promise.all(Array.from({ length: RUNS }, () => enter(key)));
    for (const { id } of all) await reached(id, ({ state }) => state === 'waiting');
    return all;
  }

  it(
    'a pause keeps every message back while events reach the runs, and a resume lets each out once',
    async () => {
      await publish('paused_for_a_while');
      const all = await enterMany('paused_for_a_while');
      await move('paused_for_a_while', 'pause');
      for (const { userId } of all) await order(userId);
      for (const { id } of all) {
        await reached(id, ({ waits_for: waitsFor }) => waitsFor === 'receipt: put off, JOURNEY_PAUSED');
      }
      expect(mailsTo(all)).toBe(0);
      await move('paused_for_a_while', 'resume');
      for (const { id } of all) {
        expect(await reached(id, ({ ended_at }) => ended_at !== null)).toMatchObject({ reason: 'told' });
      }
      expect(mailsTo(all)).toBe(RUNS);
      expect(await journey('paused_for_a_while')).toMatchObject({
        status: 'published',
        runs_running: 0,
        wake: { runs_total: RUNS },
      });
    },
    3 * MINUTE_MS,
  );

  it(
    'a stop ends every run with its reason, and no message goes out',
    async () => {
      await publish('stopped_short');
      const all = await enterMany('stopped_short');
      await move('stopped_short', 'stop');
      for (const { userId } of all.slice(0, RUNS / 2)) await order(userId);
      for (const { id } of all) {
        const run = await reached(id, ({ ended_at }) => ended_at !== null);
        expect(run).toMatchObject({ state: 'exited', reason: 'journey_stopped' });
      }
      expect(mailsTo(all)).toBe(0);
      const { stop, runs_running: running } = await until(
        () => journey('stopped_short'),
        ({ stop }) => stop?.finished_at !== null,
      );
      expect({ running, total: stop?.runs_total, told: stop?.runs_told }).toEqual({
        running: 0,
        total: RUNS,
        told: RUNS,
      });
    },
    3 * MINUTE_MS,
  );

  it('a hold puts a message off until it is lifted', () => holding, 3 * MINUTE_MS);
});
