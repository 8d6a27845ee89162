import { candidate, decisionInput } from '../../../test/support/decision-input.js';
import { decide } from './decide.js';
import { factsText, worthText } from './facts-text.js';
import type { Decision, GateName, GateVerdict, ScoredCandidate } from './types.js';

const AT = Date.parse('2027-06-16T08:00:00Z');
const NOTHING = decide(decisionInput({ candidates: [] }));

function verdict(gate: GateName, more: Partial<GateVerdict>): GateVerdict {
  return { gate, candidates: ['hello'], kind: 'refuse', reason: null, rule: null, until: null, facts: {}, ...more };
}
const told = (gate: GateName, more: Partial<GateVerdict>, decision: Decision = NOTHING, key: string | null = 'hello') =>
  factsText(verdict(gate, more), key, decision);

describe('the facts behind a reason', () => {
  const template = { template: 'hello_mail' };
  const asked = { purpose: 'news', channel: 'email', brand: 'default' };
  const conflict = { otherJourney: 'winback', otherPriority: 9, priority: 3 };
  const quiet = { origin: 'policy', source: null, zone: 'Europe/Paris', jitterMs: 0 };
  const cap = { count: 2, limit: 2, window: 'calendar day' };

  it.each<[string, GateName, Partial<GateVerdict>, string]>([
    ['an inactive action', 'identity', { reason: 'ACTION_INACTIVE', facts: template }, ' (hello)'],
    ['no address', 'identity', { reason: 'ADDRESS_MISSING', facts: { channel: 'sms' } }, ' (sms)'],
    ['no template', 'identity', { reason: 'TEMPLATE_MISSING', facts: template }, ' (hello_mail)'],
    ['a fault in it', 'identity', { reason: 'RENDER_FAILED', facts: template }, ' (hello_mail)'],
    ['nobody', 'identity', { reason: 'USER_UNKNOWN', facts: template }, ''],
    ['consent', 'consent', { facts: asked }, ' (news on email)'],
    ['consent of a brand', 'consent', { facts: { ...asked, brand: 'kids' } }, ' (news on email, brand kids)'],
    ['a suppression', 'suppression', {}, ''],
    ['one that ends', 'suppression', { until: AT }, ' (until 2027-06-16T08:00Z)'],
    ['a hold', 'user_hold', {}, ''],
    ['one that ends', 'user_hold', { until: AT }, ' (until 2027-06-16T08:00Z)'],
    ['the kill switch', 'kill_switch', { until: AT, facts: cap }, ''],
    ['a paused journey', 'journey_pause', { until: AT, facts: cap }, ''],
    ['a run that ended', 'exit', { until: AT, facts: cap }, ''],
    ['another journey', 'journey_conflict', { facts: conflict }, ' (winback has priority 9, this one 3)'],
    [
      'one that began before',
      'journey_conflict',
      { facts: { ...conflict, priority: 9 } },
      ' (winback has the same priority 9 and began before)',
    ],
    [
      'a pause',
      'pause',
      { rule: 'rest@1', facts: { count: 3, outcomes: 'dismissed ignored' } },
      ' (3 times dismissed or ignored, rule rest)',
    ],
    [
      'quiet hours by law',
      'quiet_hours',
      { rule: 'fr@2', facts: { ...quiet, origin: 'law', source: 'L.223-1', jitterMs: 1_500 } },
      ' (by law, L.223-1, in Europe/Paris, rule fr, plus 2 seconds to spread the load)',
    ],
    [
      'quiet hours of a journey that come too late',
      'quiet_hours',
      { reason: 'EXPIRED', facts: { ...quiet, origin: 'journey' } },
      ' (it would have to wait for the end of quiet hours, set by the journey, in Europe/Paris)',
    ],
    ['a cap of the day', 'caps', { rule: 'daily@1', facts: cap }, ' (2 of 2 this calendar day, rule daily)'],
    ['a rolling cap', 'caps', { facts: { ...cap, window: '7 days' } }, ' (2 of 2 in the last 7 days)'],
    [
      'a gap',
      'caps',
      { facts: { ...cap, window: 'gap of 24 hours' } },
      ' (the last contact was less than 24 hours ago)',
    ],
    [
      'a place that is taken',
      'caps',
      { reason: 'LOWER_PRIORITY', facts: cap },
      ' (it took the place that both waited for, 2 of 2 this calendar day)',
    ],
  ])('%s', (_what, gate, more, text) => {
    expect(told(gate, more)).toBe(text);
  });

  it('an inactive action that nobody names', () => {
    expect(told('identity', { reason: 'ACTION_INACTIVE' }, NOTHING, null)).toBe('');
  });

  describe('of the arbitration', () => {
    const poor = (...more: readonly Parameters<typeof candidate>[]) =>
      decide(decisionInput({ doNothingValue: 5, candidates: more.map((given) => candidate(...given)) }));

    it('name the best of those that are worth too little, or the one that is asked about', () => {
      const decision = poor(['best', { value: 3 }], ['other', { value: 2 }]);
      const below = { reason: 'BELOW_THRESHOLD' } as const;
      expect(told('next_best_action', below, decision, null)).toBe(' (best was worth 3, doing nothing 5)');
      expect(told('next_best_action', below, decision, 'other')).toBe(' (other was worth 2, doing nothing 5)');
      expect(told('next_best_action', below, decision, 'nobody')).toBe('');
    });

    it('say nothing where something was chosen, or a condition was not met', () => {
      const decision = poor(['best', { value: 3 }]);
      expect(told('next_best_action', { reason: null }, decision)).toBe('');
      expect(told('next_best_action', { reason: 'NOT_ELIGIBLE' }, decision)).toBe('');
    });

    it('name three that were refused and count the others', () => {
      const nothing = { reason: 'NOTHING_ELIGIBLE' } as const;
      expect(told('next_best_action', nothing)).toBe(' (there was none to choose from)');
      const refused = (count: number) =>
        told(
          'next_best_action',
          nothing,
          decide(
            decisionInput({
              candidates: Array.from({ length: count }, (_, index) => candidate(`c${index}`, { isActive: false })),
            }),
          ),
        );
      expect(refused(3)).toMatch(/^ \(c0: .+; c1: .+; c2: [^;]+\)$/);
      expect(refused(5)).toMatch(/c2: [^;]+; and 2 more\)$/);
      const won = decide(decisionInput());
      expect(told('next_best_action', nothing, won)).not.toContain('hello:');
    });
  });

  it.each<[Partial<ScoredCandidate>, string]>([
    [{}, 'hello was worth 3'],
    [{ channelCost: 0.5 }, 'hello was worth 3 after costs of 0.5'],
    [{ channelCost: 0.5, fatigueCost: 0.25 }, 'hello was worth 3 after costs of 0.75 for the channel and for fatigue'],
  ])('worth with %j', (costs, text) => {
    const [score] = decide(decisionInput()).candidates;
    const scored = { ...score, key: 'hello', net: 3, channelCost: 0, fatigueCost: 0, ...costs } as ScoredCandidate;
    expect(worthText(scored)).toBe(text);
  });
});
