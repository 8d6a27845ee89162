import { jest } from '@jest/globals';
import type { Plan } from '../../src/core/journeys/plan.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { ContactStage, type Contactee } from '../support/contact-stage.js';

jest.setTimeout(120_000);

describe('a decide step with a context', () => {
  let stage: ContactStage;
  beforeAll(async () => {
    stage = await ContactStage.open(1, 4);
    await stage.template('note');
    const weights = (key: string, value: unknown, weight: number): object => ({
      context_weights: [{ key, value, weight }],
    });
    for (const [key, more] of [
      ['plain', { value: 1.1 }],
      ['for_pros', { value: 1, ...weights('plan', 'pro', 50) }],
      ['after_trial', { value: 1, ...weights('moment', 'after_trial', 20) }],
    ] as const) {
      await stage.send('POST', '/api/actions', { key, name: key, template: 'note', ...more });
    }
    await journey('silent');
    await journey('telling', { moment: 'after_trial', plan: { attribute: 'attributes.plan' } });
  });
  afterAll(() => stage.close());

  async function journey(key: string, context?: object): Promise<void> {
    const steps = [
      { kind: 'decide', id: 'offer', actions: ['plain', 'for_pros', 'after_trial'], context },
      { kind: 'end', id: 'done' },
    ];
    await stage.send('POST', '/api/journeys/templates', { key, name: key, entry: { mode: 'parallel' }, steps });
    await stage.send('POST', `/api/journeys/templates/${key}/publish`, {});
  }
  async function person(attributes: object): Promise<Contactee> {
    return stage.person({ attributes } as object);
  }
  /** As the workflow asks: with the step of the published plan. */
  async function ask({ id }: Contactee, journeyKey: string): Promise<StepAnswer> {
    const [runKey = ''] = await stage.enter(id, journeyKey);
    const [row] = await stage.query<{ plan: Plan }>(
      'select plan from journey_versions join journeys on journeys.id = journey_id where key = $1',
      journeyKey,
    );
    const step = row?.plan.steps['offer'];
    if (step?.kind !== 'decide') throw new Error('no such step');
    const run = { runKey, userId: id, journeyKey, journeyVersion: 1 };
    return stage.ask({ run, step, visit: 1, ask: 1, clock: { kind: 'real' } });
  }

  it('lets context weights count that match what it says, or what the profile says', async () => {
    expect(await ask(await person({ plan: 'pro' }), 'telling')).toMatchObject({ kind: 'sent', action: 'for_pros' });
    expect(await ask(await person({ plan: 'basic' }), 'telling')).toMatchObject({ action: 'after_trial' });
    expect(await ask(await person({}), 'telling')).toMatchObject({ action: 'after_trial' });
  });

  it('counts none of them where it says nothing', async () => {
    expect(await ask(await person({ plan: 'pro' }), 'silent')).toMatchObject({ kind: 'sent', action: 'plain' });
  });

  it('records the factor that was reached, and the decision is made again from its record', async () => {
    const { id, email } = await person({ plan: 'pro' });
    const { decisionId } = await ask({ id, email }, 'telling');
    const { candidates } = await stage.send<{ candidates: { action: string; context: number }[] }>(
      'GET',
      `/api/decisions/${decisionId}/explain`,
    );
    expect(candidates.map(({ action, context }) => [action, context])).toEqual([
      ['for_pros', 1.5],
      ['after_trial', 1.2],
      ['plain', 1],
    ]);
    expect(await stage.send('GET', `/api/decisions/verify?user_id=${id}`)).toMatchObject({ is_intact: true });
  });

  it.each([
    ['a path of the run', { moment: { attribute: 'run.responses.crm.score' } }, 'steps[0].context.moment.attribute'],
    ['a path that leads nowhere', { moment: { attribute: 'attributes..plan' } }, 'steps[0].context.moment.attribute'],
    ['a list', { moment: ['a'] }, 'steps[0].context.moment'],
    ['a name with a space', { 'my moment': 'a' }, 'steps[0].context.my moment'],
  ])('refuses %s, and says where', async (_what, context, path) => {
    const steps = [
      { kind: 'decide', id: 'offer', actions: ['plain'], context },
      { kind: 'end', id: 'done' },
    ];
    const answer = await stage.inject({
      method: 'POST',
      url: '/api/journeys/templates',
      payload: { key: 'refused', name: 'refused', steps },
    });
    expect(answer.statusCode).toBe(400);
    expect(answer.json<{ errors: { path: string }[] }>().errors.map((each) => each.path)).toContain(path);
  });
});
