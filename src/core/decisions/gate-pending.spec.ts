import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  NEVER,
  suppression,
} from '../../../test/support/decision-input.js';
import { HOUR_MS, MINUTE_MS } from '../kernel/instant.js';
import { decide } from './decide.js';
import type { Candidate, DecisionInput, Rival } from './types.js';

const OPENING = DECIDED_AT - MINUTE_MS;
const rival = (own: Candidate, more: Partial<Rival> = {}): Rival => ({
  runKey: `other:${own.key}`,
  journeyKey: 'winback',
  stepId: 'mail',
  runState: 'active',
  candidate: own,
  opening: OPENING,
  passesOnAt: DECIDED_AT + MINUTE_MS,
  ...more,
});
const better = candidate('better', { value: 2 });
const ours = candidate('ours', { value: 1 });
const ask = (more: Partial<DecisionInput>) =>
  decide(decisionInput({ candidates: [ours], capRules: [capRule()], ...more }));
const kindOf = (more: Partial<DecisionInput>): string => ask(more).outcome.kind;

describe('messages of several runs that waited for one opening', () => {
  it('the one that is worth less waits until the better one has had its turn', () => {
    const decision = ask({ rivals: [rival(better)] });
    expect(decision.outcome).toEqual({
      kind: 'defer',
      action: 'ours',
      reason: 'LOWER_PRIORITY',
      until: DECIDED_AT + MINUTE_MS,
    });
    expect(decision.gates.find(({ gate }) => gate === 'pending_candidates')?.facts).toEqual({
      otherJourney: 'winback',
      otherRunKey: 'other:better',
      otherAction: 'better',
      otherNet: 2,
      net: 1,
    });
  });

  it.each<[string, Partial<DecisionInput>]>([
    ['is worth more itself', { rivals: [rival(candidate('lesser', { value: 0.5 }))] }],
    ['has room beside the better one', { rivals: [rival(better)], capRules: [capRule({ limit: 2 })] }],
    ['meets no cap', { rivals: [rival(better)], capRules: [] }],
    ['waits for nobody who did not come in time', { rivals: [rival(better, { passesOnAt: DECIDED_AT })] }],
    ['waits for nobody whose opening lies ahead', { rivals: [rival(better, { opening: DECIDED_AT + 1 })] }],
    ['waits for no paused run', { rivals: [rival(better, { runState: 'paused' })] }],
    ['waits for no ended run', { rivals: [rival(better, { runState: 'exited' })] }],
    ['waits for nobody who no longer meets the conditions', { rivals: [rival({ ...better, eligibility: NEVER })] }],
    [
      'waits for nobody whose address was suppressed meanwhile',
      {
        rivals: [rival({ ...better, addressHash: 'other-hash' })],
        suppressions: [suppression({ addressHash: 'other-hash' })],
      },
    ],
  ])('goes first when it %s', (_name, more) => {
    expect(kindOf(more)).toBe('act');
  });

  it('takes the first free place: two better ones fill a limit of two, one does not', () => {
    const capRules = [capRule({ limit: 2 })];
    const first = rival(better);
    const second = rival(candidate('good', { value: 1.5 }));
    expect(kindOf({ capRules, rivals: [first, second] })).toBe('defer');
    expect(kindOf({ capRules, rivals: [first] })).toBe('act');
  });

  it('counts what better ones take away only where it counts: another channel has its own cap', () => {
    const capRules = [capRule({ scope: { kind: 'channel', channel: 'sms' } })];
    expect(kindOf({ capRules, rivals: [rival(better)] })).toBe('act');
  });

  it('waits until the last of those before it has passed its place on', () => {
    const capRules = [capRule({ limit: 2 })];
    const late = { ...rival(candidate('good', { value: 1.5 })), passesOnAt: DECIDED_AT + 3 * MINUTE_MS };
    for (const rivals of [
      [rival(better), late],
      [late, rival(better)],
    ]) {
      expect(ask({ capRules, rivals }).outcome).toMatchObject({ until: DECIDED_AT + 3 * MINUTE_MS });
    }
  });

  it('asks the caps of a journey about its own messages, and not about those of rivals', () => {
    const everybody = capRule({ limit: 1 });
    const cap = (journeyKey: string) =>
      capRule({ id: journeyKey, limit: 0, scope: { kind: 'journey', journeyKey }, purposes: ['news'] });
    const news = candidate('better', { value: 2, purpose: 'news' });
    const asked = {
      consents: [...decisionInput().consents, { ...decisionInput().consents[0], id: 'n', purpose: 'news' }],
      rivals: [rival(news)],
    } as Partial<DecisionInput>;
    const rules = { ...everybody, purposes: ['marketing', 'news'] };
    expect(kindOf({ ...asked, capRules: [rules] })).toBe('defer');
    expect(kindOf({ ...asked, capRules: [rules, cap('winback')] })).toBe('act');
    expect(kindOf({ ...asked, capRules: [rules, cap('welcome')] })).toBe('defer');
  });

  it('lets rivals take places among themselves by the caps of their own journey', () => {
    const ownCap = capRule({ id: 'own', scope: { kind: 'journey', journeyKey: 'welcome' } });
    const theirs = capRule({ id: 'theirs', scope: { kind: 'journey', journeyKey: 'winback' } });
    const two = capRule({ limit: 2 });
    const rivals = [rival(better), rival(candidate('good', { value: 1.5 }))];
    // One of the two finds no room in its own journey, so a place is left for ours.
    expect(kindOf({ capRules: [two, theirs], rivals })).toBe('act');
    // A cap of our journey says nothing about theirs: both go first.
    expect(kindOf({ capRules: [two, ownCap], rivals })).toBe('defer');
  });

  it('breaks ties the same way for both: first the action, then the run', () => {
    const run = decisionInput().run;
    const same = candidate('ours', { value: 1 });
    const before = { ...rival(same), runKey: 'a' };
    const after = { ...rival(same), runKey: 'zz' };
    expect(run?.runKey).toBe('welcome:user-1:1');
    expect(kindOf({ rivals: [before] })).toBe('defer');
    expect(kindOf({ rivals: [after] })).toBe('act');
    expect(kindOf({ rivals: [rival(candidate('a', { value: 1 }))] })).toBe('defer');
    expect(kindOf({ rivals: [rival(candidate('z', { value: 1 }))] })).toBe('act');
  });

  it('is refused for good once the better one took its place, and waits for no further opening', () => {
    const taken = contact({ decisionId: 'winner', at: DECIDED_AT - 1 });
    const capRules = [capRule({ onHit: 'defer' })];
    const lost = ask({ capRules, contacts: [taken], beatenBy: 'winner' });
    expect(lost.outcome).toEqual({ kind: 'do_nothing', reason: 'LOWER_PRIORITY' });
    expect(lost.gates.find(({ gate }) => gate === 'caps')?.facts['decisionId']).toBe('winner');
    const byOther = ask({
      capRules,
      contacts: [contact({ decisionId: 'x', at: DECIDED_AT - HOUR_MS })],
      beatenBy: 'w',
    });
    expect(byOther.outcome).toMatchObject({ kind: 'defer', reason: 'CAP_REACHED' });
  });

  it('concerns nothing that rests on a contract', () => {
    const receipt = candidate('receipt', { legalBasis: 'contract', value: 0.1 });
    expect(kindOf({ candidates: [receipt], rivals: [rival(better)] })).toBe('act');
  });
});
