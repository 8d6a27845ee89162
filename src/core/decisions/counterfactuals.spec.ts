import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  quietRule,
  suppression,
  NEVER,
  runIn,
  userWith,
} from '../../../test/support/decision-input.js';
import { decide } from './decide.js';
import type { Candidate, DecisionInput } from './types.js';

const MIDNIGHT = Date.parse('2027-06-16T00:00:00Z');

const WEEK = { kind: 'calendar', unit: 'week' } as const;
const receipt = candidate('receipt', { legalBasis: 'contract' });

const NIGHT = { now: Date.parse('2027-06-15T22:00:00Z'), quietRules: [quietRule()] };
const withCandidate = (more: Partial<Candidate>): Partial<DecisionInput> => ({
  candidates: [candidate('hello', more)],
});
const changes = (more: Partial<DecisionInput>) =>
  decide(decisionInput(more)).counterfactuals.map(({ change }) => change);

describe('what would have changed the answer', () => {
  it.each<[string, Partial<DecisionInput>, readonly string[]]>([
    ['kill switch', { isKillSwitchOn: true }, ['if sending were switched on', 'if doing nothing were worth 1 or more']],
    ['unknown user', { user: userWith({ state: 'unknown' }) }, ['if the user existed']],
    ['erased user: nothing', { user: userWith({ state: 'erased' }) }, []],
    ['erased address: nothing', { suppressions: [suppression({ reason: 'erasure' })] }, []],
    ['no address', withCandidate({ addressHash: null }), ['if the user had an address on email']],
    ['no template', withCandidate({ templateVersion: null }), ['if the template hello_mail existed']],
    ['inactive', withCandidate({ isActive: false }), ['if hello were active']],
    ['suppressed', { suppressions: [suppression()] }, ['if the suppression for hard bounce on email were lifted']],
    [
      'suppressed for a time',
      { suppressions: [suppression({ until: MIDNIGHT })] },
      ['after 2027-06-16T00:00Z when the suppression ends'],
    ],
    ['no consent', { consents: [] }, ['if consent for marketing on email were granted']],
    ['pending', { consents: [grant({ status: 'pending' })] }, ['if consent for marketing on email were confirmed']],
    ['expired', { consents: [grant({ expiresAt: 1 })] }, ['if consent for marketing on email were renewed']],
    [
      'dated grant',
      { consents: [grant({ statedAt: MIDNIGHT })] },
      ['after 2027-06-16T00:00Z when the consent begins to hold'],
    ],
    ['paused', { run: runIn('paused') }, ['if the run were resumed']],
    ['exited', { run: runIn('exited') }, ['if the run had not ended']],
    ['not eligible', withCandidate({ eligibility: NEVER }), ['if the user met the conditions of hello']],
    ['nothing to choose', { candidates: [] }, ['if there were an action to choose']],
    ['threshold', { doNothingValue: 1.5 }, ['if hello were worth more than 1.5 instead of 1']],
    [
      'never allowed',
      { quietRules: [quietRule({ endMinute: 1_260 })] },
      ['if quiet hours on email left some time open'],
    ],
    ['limit of nothing', { capRules: [capRule({ limit: 0 })] }, ['if the daily cap of 0 left room for hello_mail']],
    [
      'limit',
      { capRules: [capRule()], contacts: [contact()] },
      ['after 2027-06-16T00:00Z when the daily cap of 1 frees'],
    ],
    [
      'rolling limit',
      { capRules: [capRule({ window: { kind: 'rolling', durationMs: 86_400_000 } })], contacts: [contact()] },
      ['after 2027-06-16T11:00Z when the cap of 1 per 24 hours frees'],
    ],
    [
      'a limit that frees in quiet hours',
      { capRules: [capRule()], contacts: [contact()], quietRules: [quietRule()] },
      ['after 2027-06-16T08:00Z when quiet hours end'],
    ],
    [
      'two obstacles',
      { consents: [], doNothingValue: 1 },
      ['if consent for marketing on email were granted and if hello were worth more than 1 instead of 1'],
    ],
    [
      'an obstacle of time and another',
      { consents: [], capRules: [capRule()], contacts: [contact()] },
      ['if consent for marketing on email were granted and if the daily cap of 1 left room for hello_mail'],
    ],
    [
      'several limits: each of them is told',
      { consents: [], capRules: [capRule(), capRule({ id: 'weekly', window: WEEK })], contacts: [contact()] },
      [
        'if consent for marketing on email were granted and if the weekly cap of 1 left room for hello_mail and if the daily cap of 1 left room for hello_mail',
      ],
    ],
    [
      'several conditions that are not met',
      withCandidate({ eligibility: NEVER, applicability: NEVER, suitability: NEVER }),
      [
        'if the user met the conditions of hello and if hello made sense for the user now and if hello were right for the user',
      ],
    ],
    [
      'no address, and a suppression of it that only then would count',
      {
        ...withCandidate({ addressHash: null, isActive: false, templateVersion: null }),
        suppressions: [suppression({ addressHash: null })],
      },
      [
        'if hello were active and if the suppression for hard bounce on email were lifted and if the template hello_mail existed and if the user had an address on email',
      ],
    ],
    [
      'a message that comes too late may wait, so that nothing else need change',
      { ...NIGHT, readyAt: NIGHT.now, ...withCandidate({ ttlMs: 3_600_000 }) },
      ['if the message still made sense when quiet hours end'],
    ],
    [
      'a message that comes too late, and a receipt that goes out anyway',
      { ...NIGHT, candidates: [candidate('promo', { value: 3, ttlMs: 3_600_000 }), receipt] },
      ['if doing nothing were worth 1 or more'],
    ],
    [
      'an obstacle that goes, and lets a better one in that is held out',
      {
        consents: [grant({ purpose: 'news' })],
        candidates: [candidate('held', { value: 3 }), candidate('open', { value: 2, purpose: 'news', channel: 'sms' })],
        holdouts: [{ id: 'all', version: 1, salt: 'h', share: 1, purposes: ['marketing'] }],
      },
      [
        'if consent for news on sms were granted',
        'if consent for marketing on email were granted and if the user were not held out',
      ],
    ],
    ['an action', {}, ['if doing nothing were worth 1 or more']],
    [
      'an action before another, behind a refused one',
      {
        candidates: [
          candidate('a', { value: 2 }),
          candidate('b', { value: 1 }),
          candidate('c', { value: 3, channel: 'sms' }),
        ],
      },
      [
        'if consent for marketing on sms were granted',
        'if b were worth more than 2 instead of 1',
        'if doing nothing were worth 2 or more',
      ],
    ],
    [
      'held out, and others behind',
      {
        holdouts: [{ id: 'all', version: 1, salt: 'h', share: 1, purposes: ['marketing'] }],
        consents: [grant(), grant({ id: 'n', purpose: 'news' })],
        candidates: [
          candidate('held', { value: 3 }),
          candidate('open', { value: 2, purpose: 'news' }),
          candidate('no_address', { value: 1, purpose: 'news', addressHash: null }),
          candidate('poor', { value: 0, purpose: 'news' }),
        ],
      },
      ['if the user were not held out'],
    ],
    [
      'passed over, and others behind that only time holds back',
      {
        capRules: [capRule({ onHit: 'skip', scope: { kind: 'tag', tag: 'promo' } })],
        contacts: [contact({ tags: ['promo'] })],
        suppressions: [suppression({ addressHash: 'other', until: DECIDED_AT + 1_000 })],
        candidates: [
          candidate('capped', { value: 3, tags: ['promo'] }),
          candidate('suppressed', { value: 2, addressHash: 'other' }),
        ],
      },
      ['after 2027-06-16T00:00Z when the daily cap of 1 frees'],
    ],
    [
      'passed over, and a receipt behind',
      {
        capRules: [capRule({ onHit: 'skip' })],
        contacts: [contact()],
        candidates: [
          candidate('promo', { value: 3 }),
          candidate('receipt', { legalBasis: 'contract', addressHash: null }),
        ],
      },
      ['after 2027-06-16T00:00Z when the daily cap of 1 frees', 'if the user had an address on email'],
    ],
    [
      'a receipt before an offer that could not step in for a better one',
      {
        ...NIGHT,
        candidates: [
          candidate('promo', { value: 3 }),
          candidate('receipt', { value: 2, legalBasis: 'contract' }),
          candidate('news', { value: 1, channel: 'push' }),
        ],
        consents: [grant(), grant({ id: 'p', channel: 'push' })],
      },
      [
        'after 2027-06-16T08:00Z when quiet hours end',
        'if news were worth more than 3 instead of 1',
        'if doing nothing were worth 2 or more',
      ],
    ],
    [
      'a receipt before an offer that another run would keep back',
      {
        rivals: [
          {
            ...{ runKey: 'other', journeyKey: 'winback', stepId: 'mail', runState: 'active' },
            ...{ candidate: candidate('rival', { value: 9 }), opening: DECIDED_AT, passesOnAt: DECIDED_AT + 1_000 },
          },
        ],
        capRules: [capRule()],
        candidates: [candidate('receipt', { value: 2, legalBasis: 'contract' }), candidate('promo')],
      },
      ['if doing nothing were worth 2 or more'],
    ],
    [
      'a limit that frees when the message is too late',
      { ...withCandidate({ ttlMs: 3_600_000 }), capRules: [capRule()], contacts: [contact()] },
      ['if the daily cap of 1 left room for hello_mail'],
    ],
    [
      'a limit that frees when a better one is passed over for the same reason',
      {
        ...NIGHT,
        quietRules: [quietRule({ channels: ['sms'], endMinute: 1_380, onHit: 'switch_channel' })],
        consents: [grant(), grant({ id: 's', channel: 'sms' })],
        capRules: [
          capRule({ id: 'gap', scope: { kind: 'channel', channel: 'email' }, onHit: 'skip' }),
          capRule({ id: 'never', limit: 0, scope: { kind: 'channel', channel: 'sms' }, onHit: 'skip' }),
        ],
        contacts: [contact()],
        candidates: [candidate('text', { value: 2, channel: 'sms' }), candidate('mail')],
      },
      [
        'if the daily cap of 1 left room for mail_mail',
        'if it were not a quiet hour on sms and if the daily cap of 0 left room for text_mail',
      ],
    ],
    [
      'the same change for two candidates',
      { consents: [], candidates: [candidate('a'), candidate('b')] },
      ['if consent for marketing on email were granted'],
    ],
  ])('%s', (_name, more, expected) => {
    expect(changes(more)).toEqual(expected);
  });

  it('gives the instant of a wait, and no more than five changes', () => {
    const { counterfactuals } = decide(decisionInput({ capRules: [capRule()], contacts: [contact()] }));
    expect(counterfactuals).toMatchObject([{ gate: 'caps', candidate: 'hello', after: MIDNIGHT }]);
    const many = Array.from({ length: 20 }, (_, index) => candidate(`c${index}`, { eligibility: NEVER }));
    expect(changes({ candidates: many })).toHaveLength(5);
  });
});
