import { ReplayKeeper } from '../../src/modules/dead-letters/index.js';
import type { EnrolmentView } from '../../src/modules/journeys/entry/enrolment.dto.js';
import type { RunView } from '../../src/modules/journeys/runs/runs.dto.js';
import { startSandboxProcess, type SandboxProcess } from '../support/sandbox.js';
import { startTactful, until, type Tactful } from '../support/tactful.js';

const MINUTE_MS = 60_000;
const EMAIL = 'reader@example.org';
/** Of the account, not of the recipient: it may send no more. */
const REFUSAL = { status: 422, body: '{"ErrorCode": 405, "Message": "not allowed to send"}' };

interface Letter {
  readonly state: string;
  readonly replays: readonly { readonly state: string; readonly decision_id: string | null }[];
}

describe('a message that its provider refused', () => {
  let tactful: Tactful;
  let sandbox: SandboxProcess;
  beforeAll(async () => {
    [tactful, sandbox] = await Promise.all([startTactful(), startSandboxProcess()]);
    tactful.app.get(ReplayKeeper).start();
    const settings = { base_url: `${sandbox.url}/postmark` };
    const credentials = { server_token: 'sandbox' };
    await tactful.post('/api/providers', { key: 'mark', kind: 'postmark', settings, credentials });
    const body = '{{ unsubscribe_url }} {{ company.address }}';
    await tactful.post('/api/message-templates', { key: 'hello', subject: 'Hello', html: body, text: body });
    const steps = [
      { kind: 'message', id: 'greet', channel: 'email', template: 'hello' },
      { kind: 'end', id: 'done' },
    ];
    await tactful.post('/api/journeys/templates', { key: 'welcome', name: 'Welcome', steps });
    await tactful.post('/api/journeys/templates/welcome/publish', {});
  }, 3 * MINUTE_MS);
  afterAll(async () => {
    await tactful.query('delete from provider_accounts');
    await tactful.stop();
    await sandbox.stop();
  }, 3 * MINUTE_MS);

  it(
    'goes out once when it is replayed after the end of its run, which stays as it was',
    async () => {
      await sandbox.faults([{ provider: 'postmark', kind: 'error', parameters: REFUSAL }]);
      const { id: userId } = await tactful.post<{ id: string }>('/api/users', { email: EMAIL });
      await tactful.post('/api/consents', { user_id: userId, channel: 'email', status: 'granted', source: 'spec' });
      const run = await tactful.post<EnrolmentView>(`/api/journeys/${userId}/enroll`, { journey: 'welcome' });
      const readRun = (): Promise<RunView> => tactful.get(`/api/runs/${run.id}`);
      const ended = await until(readRun, ({ state }) => state === 'completed');
      const { data } = await tactful.get<{ data: { id: string; is_replayable: boolean }[] }>('/api/dead-letters');
      expect(data).toMatchObject([{ is_replayable: true }]);
      await sandbox.faults([]);

      const url = `/api/dead-letters/${data[0]?.id}`;
      await tactful.post(`${url}/replay`, { reason: 'the account was put right' });
      const letter = await until(
        () => tactful.get<Letter>(url),
        ({ replays }) => replays[0]?.state === 'sent',
      );
      expect(letter).toMatchObject({ state: 'sent', replays: [{ decision_id: expect.any(String) }] });
      expect((await sandbox.accepted()).map(({ recipient }) => recipient)).toEqual([EMAIL]);
      expect(await readRun()).toEqual(ended);
    },
    3 * MINUTE_MS,
  );
});
