import { candidate, contact, DECIDED_AT, decisionInput, grant } from '../../../test/support/decision-input.js';
import { DAY_MS } from '../kernel/instant.js';
import { decide } from './decide.js';
import type { DecisionInput } from './types.js';

const consents = ['email', 'sms', 'push'].map((channel) => grant({ id: `c-${channel}`, channel }));
const best = candidate('best', { channel: 'sms', value: 3 });
const sibling = candidate('sibling', { channel: 'sms', value: 2 });
const other = candidate('other', { channel: 'email', value: 1 });
const candidates = [best, sibling, other];
const ask = (more: Partial<DecisionInput>) => decide(decisionInput({ candidates, consents, ...more }));

describe('a person who objects to direct marketing', () => {
  const everything = { purpose: '*', channel: '*', brand: '*' };
  const objection = grant({ id: 'o', ...everything, status: 'withdrawn', statedAt: DECIDED_AT - 5, isObjection: true });
  const objecting = { consents: [...consents, { ...objection, receivedAt: DECIDED_AT - 5 }] };
  const receipt = candidate('receipt', { value: 0.5, legalBasis: 'contract' });
  const NO_TERMS = {
    ...{ propensity: null, context: null, value: null, levers: null },
    ...{ priority: null, channelCost: null, fatigueCost: null, net: null },
  };

  it('is given no marketing score: not one term is on the record', () => {
    const { candidates: scores, outcome } = ask({ ...objecting, candidates: [other, best] });
    expect(outcome).toEqual({ kind: 'do_nothing', reason: 'OBJECTION' });
    expect(scores).toEqual([
      { key: 'best', channel: 'sms', ...NO_TERMS, lostBecause: 'OBJECTION' },
      { key: 'other', channel: 'email', ...NO_TERMS, lostBecause: 'OBJECTION' },
    ]);
  });

  it('is not measured for fatigue either', () => {
    const fatigueModel = {
      ...{ id: 'tired', version: 4, halfLifeMs: DAY_MS, contactWeight: 1, outcomeWeights: {} },
      ...{ costPerScore: 2, threshold: 0.1 },
    };
    const asked = { fatigueModel, contacts: [contact({ at: DECIDED_AT })] };
    const said = (more: Partial<DecisionInput>) =>
      ask({ ...asked, ...more }).gates.filter(({ gate }) => gate === 'fatigue');
    expect(said({})[0]).toMatchObject({ kind: 'refuse', reason: 'FATIGUED' });
    expect(said(objecting)).toMatchObject([{ kind: 'pass', facts: {} }]);
  });

  it('still gets what rests on a contract, which is scored and comes first', () => {
    const asked = { ...objecting, candidates: [best, receipt, other] };
    expect(ask(asked).outcome).toMatchObject({ kind: 'act', action: 'receipt' });
    expect(ask(asked).candidates.map(({ key, net }) => [key, net])).toEqual([
      ['receipt', 0.5],
      ['best', null],
      ['other', null],
    ]);
  });

  it('is scored again for what was granted since, and scored while nobody objects', () => {
    const newer = grant({ id: 'n', channel: 'sms', statedAt: DECIDED_AT - 1, receivedAt: DECIDED_AT - 1 });
    const lifted = ask({ consents: [...objecting.consents, newer] });
    expect(lifted.outcome).toMatchObject({ kind: 'act', action: 'best' });
    const withdrawn = ask({ consents: [{ ...objection, isObjection: false }] });
    expect(withdrawn.candidates.map(({ net }) => net)).toEqual([3, 2, 1]);
    expect(withdrawn.outcome).toEqual({ kind: 'do_nothing', reason: 'CONSENT_WITHDRAWN' });
  });

  it('gets what the person asked for by name since, and no marketing with it', () => {
    const since = { statedAt: DECIDED_AT - 1, receivedAt: DECIDED_AT - 1 };
    const news = grant({ id: 'n', purpose: 'service_news', channel: 'sms', ...since });
    const asked = {
      consents: [...objecting.consents, news],
      candidates: [best, candidate('news', { channel: 'sms', purpose: 'service_news', value: 0.1 })],
    };
    expect(ask(asked).outcome).toMatchObject({ kind: 'act', action: 'news' });
    expect(ask(asked).candidates.map(({ key, net }) => [key, net])).toEqual([
      ['news', 0.1],
      ['best', null],
    ]);
  });

  it('tells the first gate that refuses, as ever', () => {
    const asked = { ...objecting, candidates: [{ ...best, isActive: false }] };
    expect(ask(asked).candidates).toEqual([
      { key: 'best', channel: 'sms', ...NO_TERMS, lostBecause: 'ACTION_INACTIVE' },
    ]);
  });
});
