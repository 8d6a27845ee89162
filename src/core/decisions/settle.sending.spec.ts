import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  quietRule,
} from '../../../test/support/decision-input.js';
import { HOUR_MS, MINUTE_MS } from '../kernel/instant.js';
import { decide } from './decide.js';
import { explainDecision } from './explain.js';
import type { DecisionInput } from './types.js';

const sendingPause = { domain: 'example.com', cause: 'complaints', since: DECIDED_AT - HOUR_MS } as const;
const ask = (more: Partial<DecisionInput> = {}) => decide(decisionInput({ sendingPause, ...more }));
const receipt = candidate('receipt', { legalBasis: 'contract', value: 0.5 });
const text = candidate('text', { channel: 'sms', value: 0.5 });
const consents = [grant(), grant({ id: 'sms', channel: 'sms' })];
const HELD_OUT = { id: 'all', version: 1, salt: 'h', share: 1, purposes: ['marketing'] };

describe('a paused sending domain', () => {
  it('puts off marketing by e-mail, to be asked again in six hours', () => {
    const until = DECIDED_AT + 6 * HOUR_MS;
    const { outcome, gates } = ask();
    expect(outcome).toEqual({ kind: 'defer', action: 'hello', reason: 'SENDING_PAUSED', until });
    expect(gates.find(({ gate }) => gate === 'sending_pause')).toEqual({
      ...{ gate: 'sending_pause', candidates: ['hello'], kind: 'defer', reason: 'SENDING_PAUSED' },
      ...{ rule: null, until: null, facts: sendingPause },
    });
    expect(ask({ run: null }).outcome).toMatchObject({ kind: 'defer', reason: 'SENDING_PAUSED' });
  });

  it('holds back neither what rests on a contract, also behind marketing that waits, nor another channel', () => {
    expect(ask({ candidates: [receipt] }).outcome).toMatchObject({ kind: 'act', action: 'receipt' });
    expect(ask({ candidates: [candidate('hello'), receipt] }).outcome).toMatchObject({ action: 'receipt' });
    expect(ask({ candidates: [text], consents }).outcome).toMatchObject({ kind: 'act', action: 'text' });
  });

  it('is waited for by what is worth most: nothing lesser steps in on another channel', () => {
    expect(ask({ candidates: [candidate('hello'), text], consents }).outcome).toMatchObject({
      ...{ kind: 'defer', action: 'hello', reason: 'SENDING_PAUSED' },
    });
  });

  it.each<[string, Partial<DecisionInput>, object]>([
    ['sending that is off', { isKillSwitchOn: true }, { kind: 'defer', reason: 'KILL_SWITCH' }],
    ['consent', { consents: [] }, { kind: 'do_nothing', reason: 'CONSENT_MISSING' }],
    [
      'quiet hours',
      { quietRules: [quietRule({ startMinute: 0, endMinute: 1_200 })] },
      { kind: 'defer', reason: 'QUIET_HOURS' },
    ],
    ['a cap', { capRules: [capRule()], contacts: [contact()] }, { kind: 'do_nothing', reason: 'CAP_REACHED' }],
  ])('stands behind %s', (_name, more, outcome) => {
    expect(ask(more).outcome).toMatchObject(outcome);
  });

  it('stands before the holdout: nobody is exposed to a silence in which nothing would have been sent', () => {
    expect(ask({ holdouts: [HELD_OUT] }).outcome).toMatchObject({ kind: 'defer', reason: 'SENDING_PAUSED' });
  });

  it('takes no place under a cap from a message of another run that may go out', () => {
    const rival = {
      ...{ runKey: 'other', journeyKey: 'winback', stepId: 'mail', runState: 'active' as const },
      ...{ candidate: candidate('rival', { value: 9 }), opening: DECIDED_AT, passesOnAt: DECIDED_AT + HOUR_MS },
    };
    const asked = { candidates: [text], consents, capRules: [capRule()], rivals: [rival] };
    expect(decide(decisionInput(asked)).outcome).toMatchObject({ reason: 'LOWER_PRIORITY' });
    expect(ask(asked).outcome).toMatchObject({ kind: 'act', action: 'text' });
    const weighed = ask({ capRules: [capRule()], rivals: [rival] }).gates;
    expect(weighed.some(({ gate }) => gate === 'pending_candidates')).toBe(false);
  });

  it('wakes a message in time to say that it is too late, and keeps none that is', () => {
    const short = candidate('hello', { ttlMs: MINUTE_MS });
    expect(ask({ candidates: [short] }).outcome).toMatchObject({ until: DECIDED_AT + MINUTE_MS });
    const late = { candidates: [short], readyAt: DECIDED_AT - MINUTE_MS };
    expect(ask(late).outcome).toEqual({ kind: 'do_nothing', reason: 'EXPIRED' });
  });

  it('is explained, with what would end it', () => {
    expect(explainDecision(ask(), { decidedAt: DECIDED_AT })).toBe(
      'At 2027-06-15T12:00Z, hello for this user was put off until 2027-06-15T18:00Z, when it will be asked again, ' +
        'because too many of the latest e-mails bounced or were complained about ' +
        '(marketing from example.com is paused since 2027-06-15T11:00Z); ' +
        'it would have been different if marketing from example.com were resumed.',
    );
    const told = explainDecision(ask({ consents: [] }), { decidedAt: DECIDED_AT });
    expect(told).toMatch(/also in the way: too many of the latest e-mails/);
    expect(told).toMatch(/if consent .+ were granted and if marketing from example.com were resumed/);
  });

  it('leaves no trace where nothing is paused: records of before are made again as they are', () => {
    const { gates } = decide(decisionInput());
    expect(gates.some(({ gate }) => gate === 'sending_pause')).toBe(false);
  });
});
