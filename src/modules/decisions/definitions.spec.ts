import { actionFacts, definitionsOf, templateFacts } from '../../../test/support/decision-facts.js';
import { contextFactor, toDefinitions } from './definitions.js';

const lever = (target: string, name: string, weight: number): unknown => ({ kind: 'lever', target, name, weight });

describe('definitions', () => {
  it('weigh an action by issue, group and its own lever, added before they multiply', () => {
    const action = actionFacts('offer', { issue: 'retention', group: 'discounts', leverWeight: 10 });
    const other = actionFacts('other', { issue: 'constructor', group: null });
    const { actions } = definitionsOf([action, other], {
      a: lever('issue', 'retention', 50),
      b: lever('group', 'discounts', -20),
      c: lever('group', 'retention', 900),
    });
    expect(actions.get('offer')?.candidate.leverFactor).toBeCloseTo(1.4, 12);
    expect(actions.get('other')?.candidate.leverFactor).toBe(1);
  });

  it('ask for devices only where some message goes to one', () => {
    const rest = { version: 1, policies: [], actions: [] };
    const [mail, note] = [templateFacts('mail'), templateFacts('note', { channel: 'push' })];
    expect(toDefinitions({ ...rest, templates: [mail] }).horizons.hasDevices).toBeUndefined();
    expect(toDefinitions({ ...rest, templates: [mail, note] }).horizons.hasDevices).toBe(true);
  });

  it('keep a factor above zero when weights add up to -100 or less: weights rank, they forbid nothing', () => {
    const action = actionFacts('offer', { issue: 'retention', leverWeight: -60, contextWeight: -90 });
    const { actions } = definitionsOf([action], { a: lever('issue', 'retention', -60) });
    expect(actions.get('offer')?.candidate.leverFactor).toBe(1e-4);
    const weights = { contextWeight: -90, contextWeights: [{ key: 'page', value: 'home', weight: -50 }] };
    expect(contextFactor(weights, { page: 'home' })).toBe(1e-4);
  });

  it('add the context weights that match exactly, of own keys only', () => {
    const weights = {
      contextWeight: 10,
      contextWeights: [
        { key: 'page', value: 'pricing', weight: 40 },
        { key: 'visits', value: 3, weight: 100 },
        { key: 'constructor', value: null, weight: 1_000 },
      ],
    };
    expect(contextFactor(weights, {})).toBe(1.1);
    expect(contextFactor(weights, { page: 'pricing' })).toBe(1.5);
    expect(contextFactor(weights, { page: 'pricing', visits: '3' })).toBe(1.5);
    expect(contextFactor(weights, { page: 'pricing', visits: 3 })).toBe(2.5);
  });

  it('make a candidate of action and template: purpose and basis of the template, tags of both, channel of the action', () => {
    const { actions } = toDefinitions({
      version: 1,
      policies: [],
      actions: [actionFacts('offer', { channel: 'sms', template: 'mail', tags: ['a', 'b'], ttl: 'P2D' })],
      templates: [templateFacts('mail', { purpose: 'service', legalBasis: 'contract', tags: ['b', 'c'] })],
    });
    expect(actions.get('offer')?.candidate).toMatchObject({
      channel: 'sms',
      purpose: 'service',
      legalBasis: 'contract',
      templateVersion: 3,
      tags: ['a', 'b', 'c'],
      ttlMs: 172_800_000,
      addressHash: null,
    });
  });

  it('know inactive actions, but do not weigh them unasked', () => {
    const { actions, activeKeys, shared } = definitionsOf([actionFacts('a', { isActive: false }), actionFacts('b')]);
    expect(activeKeys).toEqual(['b']);
    expect(shared.candidates.map(({ key }) => key)).toEqual(['b']);
    expect(actions.get('a')?.candidate.isActive).toBe(false);
  });

  it('cost what the account asks that carries the message; where it says nothing, what the action says', () => {
    const asked = [
      { channel: 'email', account: 'grid', cost: 0.25 },
      { channel: 'sms', account: 'texts', cost: null },
      { channel: 'fax', account: 'free', cost: 0 },
    ];
    const stored = {
      ...{ version: 1, policies: [], templates: [templateFacts('mail')] },
      actions: ['email', 'sms', 'fax', 'push'].map((channel) => actionFacts(channel, { channel, channelCost: 2 })),
    };
    const costsWith = (carriers: typeof asked): unknown =>
      toDefinitions({ ...stored, carriers }).shared.candidates.map((one) => [one.channelCost, one.costAskedBy]);
    expect(costsWith(asked)).toEqual([
      [0.25, 'grid'],
      [2, undefined],
      [0, 'free'],
      [2, undefined],
    ]);
    expect(costsWith([])).toEqual(stored.actions.map(() => [2, undefined]));
    const { hash } = toDefinitions(stored);
    expect(toDefinitions({ ...stored, carriers: [] }).hash).toEqual(hash);
    expect(toDefinitions({ ...stored, carriers: asked }).hash).not.toEqual(hash);
  });

  it('have one hash for one content', () => {
    const first = definitionsOf([actionFacts('a')]);
    expect(definitionsOf([actionFacts('a')]).hash).toEqual(first.hash);
    expect(definitionsOf([actionFacts('a', { value: 2 })]).hash).not.toEqual(first.hash);
    expect(definitionsOf([actionFacts('a')], { c: CAP }).hash).not.toEqual(first.hash);
  });
});

const CAP = { kind: 'cap', limit: 1, window: { kind: 'calendar', unit: 'day' } };
