import { jest } from '@jest/globals';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import { lockWaits } from '../support/concurrency.js';
import { ContactStage } from '../support/contact-stage.js';

jest.setTimeout(120_000);

describe('a claim whose message was rendered before something changed', () => {
  let stage: ContactStage;
  beforeAll(async () => {
    stage = await ContactStage.open(1, 4);
    for (const key of ['rain', 'sun']) await stage.template(key, [], `<p>About ${key}.</p>`);
    await stage.action('offer', 'rain', [], null);
    const steps = [
      { kind: 'decide', id: 'offer', actions: ['offer'] },
      { kind: 'end', id: 'done' },
    ];
    await stage.send('POST', '/api/journeys/templates', {
      key: 'one',
      name: 'one',
      entry: { mode: 'parallel' },
      steps,
    });
    await stage.send('POST', '/api/journeys/templates/one/publish', {});
  });
  afterAll(() => stage.close());

  it('sends what was judged under the lock: the template that its action has now', async () => {
    const { id, email } = await stage.person();
    const [runKey = ''] = await stage.enter(id, 'one');
    const run = { runKey, userId: id, journeyKey: 'one', journeyVersion: 1 };
    const step = { kind: 'decide', id: 'offer', actions: ['offer'], onRefusal: 'continue', next: 'done' } as const;
    let asked: Promise<StepAnswer> | undefined;
    await stage.database.transaction(async (transaction) => {
      await transaction.query({ text: 'select from contact_state where user_id = $1 for update', values: [id] });
      asked = stage.ask({ run, step, visit: 1, ask: 1, clock: { kind: 'real' } });
      await lockWaits(stage.database, 'contact_state');
      // Both templates are at their first version: by the number alone nothing has changed.
      await stage.send('PUT', '/api/actions/offer', { name: 'offer', template: 'sun' });
    });
    expect(await asked).toMatchObject({ kind: 'sent', action: 'offer' });
    const rows = await stage.query<{ template: string }>('select template from deliveries where user_id = $1', id);
    expect(rows).toEqual([{ template: 'sun' }]);
    const mails = await stage.smtp.mailsTo(email);
    expect(mails).toHaveLength(1);
    expect(mails[0]?.html).toContain('About sun.');
  });
});
