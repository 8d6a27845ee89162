import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RunGateway } from '../../src/modules/journeys/runs/run-gateway.js';
import { RunsRepository } from '../../src/modules/journeys/runs/runs.repository.js';
import { createTestApp } from '../support/app.js';
import { RunStage } from '../support/run-stage.js';

const CLOSE_MS_MAX = 120_000;

describe('jumps', () => {
  let app: NestFastifyApplication;
  let stage: RunStage;
  beforeAll(async () => {
    app = await createTestApp({ OUTBOX_POLL_MS: '60000' });
    stage = new RunStage(app);
    await stage.publish('plain');
  });
  afterAll(() => app.close(), CLOSE_MS_MAX);

  it('are refused to unknown steps, after the end, and of unknown runs; the others are audited', async () => {
    const run = await stage.enter(await stage.api.user(), 'plain');
    const url = `/api/runs/${run.id}/jump`;
    expect((await stage.api.post(url, { step: 'done' })).status).toBe(400);
    expect(await stage.api.post(url, { step: 'nowhere', reason: 'spec' })).toMatchObject({
      status: 422,
      body: { code: 'STEP_UNKNOWN', errors: [{ path: 'step' }] },
    });
    // Nobody answers here.
    expect((await stage.api.post(url, { step: 'done', reason: 'spec', allow_repeat: true })).status).toBe(503);
    const [audited] = await stage.query(
      `select action, detail from audit_log where subject = $1 and action like 'run.jump%'`,
      run.runKey,
    );
    expect(audited).toEqual({ action: 'run.jump', detail: { step: 'done', reason: 'spec', allow_repeat: true } });
    await app.get(RunsRepository).finish({ runKey: run.runKey, outcome: 'exited', reason: 'spec', endedAt: null });
    expect(await stage.api.post(url, { step: 'done', reason: 'spec' })).toMatchObject({
      status: 409,
      body: { code: 'RUN_ENDED' },
    });
    const nobody = '01890a5d-ac96-774b-bcce-b302099a8057';
    expect((await stage.api.post(`/api/runs/${nobody}/jump`, { step: 'done', reason: 'spec' })).status).toBe(404);
  });

  it('tell the run which template is behind each action of its plan, so that it knows what it has sent', async () => {
    await stage.query(
      `insert into actions (key, name, channel, template)
        values ('reminder', 'reminder', 'email', 'hello'), ('unused', 'unused', 'email', 'other')`,
    );
    const actions = ['reminder', 'gone'];
    const offer = { id: 'offer', kind: 'decide', actions, onRefusal: 'continue', next: 'done' } as const;
    await stage.publish(
      'offering',
      { mode: 'once' },
      { steps: { offer, done: { id: 'done', kind: 'end', reason: '' } } },
    );
    const run = await stage.enter(await stage.api.user(), 'offering');
    const command = jest.spyOn(app.get(RunGateway), 'command').mockResolvedValue({ kind: 'done' });
    expect((await stage.api.post(`/api/runs/${run.id}/jump`, { step: 'done', reason: 'spec' })).status).toBe(204);
    const argument = { step: 'done', isRepeatAllowed: false, offers: { reminder: 'email:hello' } };
    expect(command.mock.calls).toEqual([[run.runKey, 'jump', argument]]);
  });
});
