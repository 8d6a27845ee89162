import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import { PayloadKeysKeeper } from '../../src/modules/payload-keys/index.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;
const UI = 'http://127.0.0.1:8233';
const AT_ONCE = { settledSeconds: 0, patienceSeconds: 3_600 };
const NO_PATIENCE = { settledSeconds: 3_600, patienceSeconds: 0 };

interface JsonPayload {
  readonly metadata: Readonly<Record<string, string>>;
  readonly data?: string;
}

/** Every byte of it as text. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, part]) => `${name} ${textOf(part)}`)
    .join(' ');
}

const text = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('utf8');

describe('runs whose payloads are sealed', () => {
  let tactful: Tactful;
  beforeAll(async () => {
    tactful = await startTactful({ TEMPORAL_PAYLOADS: 'sealed', TEMPORAL_UI_URL: UI });
    await tactful.post('/api/journeys/templates', {
      key: 'secretive',
      name: 'Secretive',
      exit: { events: ['left'] },
      steps: [
        {
          kind: 'wait_for',
          id: 'listen',
          event: 'marker_event',
          timeout: 'P30D',
          on_event: 'heard',
          on_timeout: 'quiet',
        },
        { kind: 'end', id: 'heard', reason: 'heard' },
        { kind: 'end', id: 'quiet', reason: 'quiet' },
      ],
    });
    await tactful.post('/api/journeys/templates/secretive/publish', {});
  }, 3 * MINUTE_MS);
  afterAll(() => tactful.stop(), 3 * MINUTE_MS);

  const enter = async (): Promise<{ readonly user: string; readonly run: EnrolmentView }> => {
    const { id: user } = await tactful.post<{ id: string }>('/api/users', { email: 'ada@example.org' });
    return { user, run: await tactful.post<EnrolmentView>(`/api/journeys/${user}/enroll`, { journey: 'secretive' }) };
  };
  const reached = (id: string, isSo: (run: RunView) => boolean): Promise<RunView> =>
    until(() => tactful.get<RunView>(`/api/runs/${id}`), isSo);
  const waiting = (id: string): Promise<RunView> => reached(id, ({ state }) => state === 'waiting');
  const ended = (id: string): Promise<RunView> => reached(id, ({ ended_at }) => ended_at !== null);
  const happens = (user: string, event_name: string): Promise<unknown> =>
    tactful.post('/api/events', { user_id: user, event_name });
  const erase = async (user: string): Promise<void> => {
    expect((await tactful.app.inject({ method: 'DELETE', url: `/api/users/${user}` })).statusCode).toBeLessThan(300);
  };

  /** What the Temporal server holds of a run. */
  const historyOf = async ({ workflow_id: workflowId }: RunView): Promise<readonly unknown[]> => {
    const execution = { workflowId };
    const answer = await tactful.temporal.workflowService.getWorkflowExecutionHistory({
      namespace: 'default',
      execution,
    });
    return answer.history?.events ?? [];
  };
  /** The input of a run as the server holds it. */
  const inputOf = async (run: RunView): Promise<JsonPayload> => {
    const [started] = (await historyOf(run)) as [
      { workflowExecutionStartedEventAttributes: { input: { payloads: Record<string, never>[] } } },
    ];
    const [payload] = started.workflowExecutionStartedEventAttributes.input.payloads;
    const { metadata = {}, data = '' } = payload ?? {};
    const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64');
    return {
      metadata: Object.fromEntries(
        Object.entries(metadata as Record<string, Uint8Array>).map(([key, bytes]) => [key, base64(bytes)]),
      ),
      data: base64(data),
    };
  };
  const decode = (payloads: readonly JsonPayload[], headers: Record<string, string> = {}) =>
    tactful.app.inject({ method: 'POST', url: '/api/codec/decode', payload: { payloads }, headers });

  it('run as ever, and leave nothing on the server that can be read', async () => {
    const { user, run } = await enter();
    const waits = await waiting(run.id);
    await happens(user, 'marker_event');
    expect(await ended(run.id)).toMatchObject({ reason: 'heard' });
    const history = textOf(await historyOf(waits));
    expect(history).toContain('binary/encrypted');
    expect(history).not.toContain('marker_event');
    expect(history).not.toContain('on_timeout');
    expect(history).not.toContain('journeyKey');
  });

  it('are opened for the Temporal UI, and for no page elsewhere', async () => {
    const { user, run } = await enter();
    await waiting(run.id);
    const payload = await inputOf(run);
    expect(text(payload.metadata['encryption-key-id'])).toBe(`user:${user}`);
    const preflight = await tactful.app.inject({
      method: 'OPTIONS',
      url: '/api/codec/decode',
      headers: { origin: UI },
    });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers['access-control-allow-headers']).toContain('x-namespace');
    const answer = await decode([payload], { origin: UI, 'sec-fetch-site': 'same-site' });
    expect(answer.headers['access-control-allow-origin']).toBe(UI);
    const [opened] = answer.json<{ payloads: JsonPayload[] }>().payloads;
    expect(text(opened?.metadata['encoding'])).toBe('json/plain');
    expect(JSON.parse(text(opened?.data))).toMatchObject({ run: { userId: user, journeyKey: 'secretive' } });
    const foreign = { origin: 'https://example.com', 'sec-fetch-site': 'cross-site' };
    expect((await decode([payload], foreign)).statusCode).toBe(403);
    const other = await tactful.app.inject({ method: 'OPTIONS', url: '/api/codec/decode', headers: foreign });
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('can be given back sealed by the same endpoint', async () => {
    const payload = { metadata: { encoding: Buffer.from('json/plain').toString('base64') }, data: 'e30=' };
    const sealed = await tactful.post<{ payloads: JsonPayload[] }>('/api/codec/encode', { payloads: [payload] });
    expect(text(sealed.payloads[0]?.metadata['encoding'])).toBe('binary/encrypted');
    expect((await decode(sealed.payloads)).json()).toEqual({ payloads: [payload] });
    expect((await decode([{ metadata: { encoding: '?' } }])).statusCode).toBe(400);
  });

  it('end when their user is forgotten, and then nobody can read them', async () => {
    const { user, run } = await enter();
    const payload = await inputOf(await waiting(run.id));
    const keeper = tactful.app.get(PayloadKeysKeeper);
    expect(await keeper.keep(AT_ONCE)).toBe(0);
    await erase(user);
    expect(await ended(run.id)).toMatchObject({ reason: 'user_erased' });
    await until(
      () => keeper.keep(AT_ONCE),
      (destroyed) => destroyed === 1,
    );
    expect(await tactful.query('select from payload_keys where user_id = $1', user)).toEqual([]);
    const refusal = await decode([payload]);
    expect(refusal.statusCode).toBe(422);
    expect(refusal.json()).toMatchObject({ code: 'PAYLOAD_UNREADABLE' });
  });

  it('that cannot end are terminated before their key goes', async () => {
    const { user, run } = await enter();
    await waiting(run.id);
    await tactful.stopWorker();
    await erase(user);
    const keeper = tactful.app.get(PayloadKeysKeeper);
    expect(await keeper.keep(AT_ONCE)).toBe(0);
    expect(await keeper.keep(NO_PATIENCE)).toBe(1);
    expect(await ended(run.id)).toMatchObject({ state: 'exited' });
    const { status } = await tactful.temporal.workflow.getHandle(run.workflow_id).describe();
    expect(status.name).toBe('TERMINATED');
  });
});
