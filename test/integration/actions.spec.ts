import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createTestApp } from '../support/app.js';
import { clientOf, type Client } from '../support/client.js';
import { consenting, makeActions } from '../support/marketing.js';

const SETUP_MS_MAX = 120_000;

describe('what an action says of itself', () => {
  let app: NestFastifyApplication;
  let api: Client;
  beforeAll(async () => {
    app = await createTestApp();
    api = clientOf(app);
    await makeActions(api, 'offer');
  }, SETUP_MS_MAX);
  afterAll(async () => {
    await app.close();
  });

  const is = (plan: string): object => ({ kind: 'equals', attribute: 'attributes.plan', value: plan });
  const whole = {
    name: 'Offer',
    template: 'offer',
    issue: 'retention',
    group: 'discounts',
    eligibility: is('pro'),
    applicability: is('pro'),
    suitability: { kind: 'not', of: is('free') },
    ttl: 'P2DT12H',
    context_weight: -10,
    context_weights: [
      { key: 'page', value: 'pricing', weight: 50 },
      { key: 'visits', value: 3, weight: -99.5 },
      { key: 'is_new', value: null, weight: 1e6 },
    ],
  };

  it('is kept as it was written, and gone again when it is left out', async () => {
    const made = await api.post('/api/actions', { key: 'whole', ...whole });
    expect(made).toMatchObject({ status: 201, body: whole });
    expect((await api.get('/api/actions/whole')).body).toMatchObject(whole);
    const { body } = await api.put('/api/actions/whole', { name: 'Offer', template: 'offer' });
    expect(body).toMatchObject({
      version: 2,
      issue: null,
      group: null,
      eligibility: null,
      applicability: null,
      suitability: null,
      ttl: null,
      context_weights: [],
    });
    await api.remove('/api/actions/whole');
  });

  it.each([
    [{ ttl: '2 days' }, 'ttl'],
    [{ ttl: 'P1M' }, 'ttl'],
    [{ issue: 'Not A Key' }, 'issue'],
    [{ group: '' }, 'group'],
    [{ applicability: { kind: 'maybe' } }, 'applicability.kind'],
    [{ suitability: { kind: 'all', of: [] } }, 'suitability.of'],
    [{ context_weights: [{ key: 'page', value: 'a', weight: -100 }] }, 'context_weights[0].weight'],
    [{ context_weights: [{ key: 'page', value: {}, weight: 1 }] }, 'context_weights[0].value'],
    [{ context_weights: [{ key: 'page', value: 1, weight: 1, more: 1 }] }, 'context_weights[0].more'],
  ])('is refused with the path of the fault: %j', async (fault, path) => {
    const { status, body } = await api.post('/api/actions', { key: 'faulty', ...whole, ...fault });
    const { errors } = body as { errors: readonly { path: string }[] };
    expect({ status, paths: errors.map((error) => error.path) }).toEqual({ status: 400, paths: [path] });
  });

  it.each([
    ['eligibility', 'NOT_ELIGIBLE'],
    ['applicability', 'NOT_APPLICABLE'],
    ['suitability', 'NOT_SUITABLE'],
  ])('decides by its %s whom it is for', async (condition, reason) => {
    await api.put('/api/actions/offer', { name: 'Offer', template: 'offer', [condition]: is('pro') });
    const ask = async (plan: string): Promise<unknown> => {
      const user_id = await consenting(api, { attributes: { plan } });
      const { body } = await api.post('/api/decisions/next-best-action', { user_id });
      const { action, candidates } = body as { action: string; candidates: readonly { lost_because: string | null }[] };
      return [action, candidates[0]?.lost_because];
    };
    expect(await ask('pro')).toEqual(['offer', null]);
    expect(await ask('free')).toEqual(['none', reason]);
  });
});
