import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  quietRule,
  runIn,
  userWith,
} from '../../../test/support/decision-input.js';
import { HOUR_MS } from '../kernel/instant.js';
import { decide } from './decide.js';
import { explainDecision } from './explain.js';
import type { DecisionInput } from './types.js';

const HELD_MS = 6 * HOUR_MS;
const ask = (more: Partial<DecisionInput>) => decide(decisionInput(more));
const held = (until: number | null): DecisionInput['user'] => userWith({ hold: { since: DECIDED_AT - 1, until } });
const paused = (): DecisionInput['run'] => {
  const run = runIn('active');
  return run === null ? null : { ...run, isJourneyPaused: true };
};
const explained = (more: Partial<DecisionInput>): string => explainDecision(ask(more), { decidedAt: DECIDED_AT });

describe('a hold on the user', () => {
  it('puts off what would go out, on whatever basis, until it ends', () => {
    const until = DECIDED_AT + 30 * HOUR_MS;
    const receipt = candidate('receipt', { legalBasis: 'contract' });
    for (const candidates of [[candidate('hello')], [receipt]]) {
      const [{ key: action } = { key: '' }] = candidates;
      expect(ask({ user: held(until), candidates }).outcome).toEqual({
        kind: 'defer',
        action,
        reason: 'USER_ON_HOLD',
        until,
      });
    }
    expect(ask({ user: held(until), run: null }).outcome).toMatchObject({ reason: 'USER_ON_HOLD', until });
  });

  it('asks again by itself where nobody knows its end', () => {
    const until = DECIDED_AT + HELD_MS;
    expect(ask({ user: held(null) }).outcome).toMatchObject({ kind: 'defer', reason: 'USER_ON_HOLD', until });
  });

  it('is over at its end, to the millisecond', () => {
    expect(ask({ user: held(DECIDED_AT + 1) }).outcome).toMatchObject({ kind: 'defer' });
    expect(ask({ user: held(DECIDED_AT) }).outcome).toMatchObject({ kind: 'act' });
    expect(ask({ user: held(DECIDED_AT) }).gates.some(({ gate }) => gate === 'user_hold')).toBe(false);
  });

  it('is explained, with what would end it', () => {
    expect(explained({ user: held(null) })).toMatch(
      /put off until .+, when it will be asked again, because an operator keeps the user.+ if the hold on the user were lifted/,
    );
    expect(explained({ user: held(DECIDED_AT + HOUR_MS) })).toMatch(
      /\(until 2027-06-15T13:00Z\).+ after 2027-06-15T13:00Z when the hold on the user ends/,
    );
  });
});

describe('a pause of the journey', () => {
  it('puts off what would go out, to be asked again, whatever it rests on', () => {
    const until = DECIDED_AT + HELD_MS;
    expect(ask({ run: paused() }).outcome).toEqual({ kind: 'defer', action: 'hello', reason: 'JOURNEY_PAUSED', until });
    const receipt = candidate('receipt', { legalBasis: 'contract' });
    expect(ask({ run: paused(), candidates: [receipt] }).outcome).toMatchObject({ reason: 'JOURNEY_PAUSED' });
    expect(explained({ run: paused() })).toMatch(/because the journey is paused.+ if the journey were resumed/);
  });

  it.each<[string, Partial<DecisionInput>]>([
    ['quiet hours', { quietRules: [quietRule({ channels: ['email'], startMinute: 0, endMinute: 1_200 })] }],
    ['a cap', { capRules: [capRule()], contacts: [contact()] }],
    ['a holdout', { holdouts: [{ id: 'all', version: 1, salt: 'h', share: 1, purposes: ['marketing'] }] }],
  ])('is told before %s, which are asked when it goes on', (_name, more) => {
    expect(ask({ ...more, run: paused() }).outcome).toMatchObject({ kind: 'defer', reason: 'JOURNEY_PAUSED' });
  });

  it('wakes a message in time to say that it is too late, and keeps none that is', () => {
    const short = candidate('hello', { ttlMs: HOUR_MS });
    expect(ask({ run: paused(), candidates: [short] }).outcome).toMatchObject({ until: DECIDED_AT + HOUR_MS });
    const late = { run: paused(), candidates: [short], readyAt: DECIDED_AT - HOUR_MS };
    expect(ask(late).outcome).toEqual({ kind: 'do_nothing', reason: 'EXPIRED' });
  });

  it('refuses nothing, and hides no refusal', () => {
    expect(ask({ run: paused(), consents: [] }).outcome).toEqual({ kind: 'do_nothing', reason: 'CONSENT_MISSING' });
    const ended = runIn('exited');
    const both = ended === null ? null : { ...ended, isJourneyPaused: true as const };
    expect(ask({ run: both }).outcome).toEqual({ kind: 'do_nothing', reason: 'RUN_EXITED' });
  });

  it('weighs no messages of other runs', () => {
    const rival = {
      ...{ runKey: 'other', journeyKey: 'winback', stepId: 'mail', runState: 'active' as const },
      ...{ candidate: candidate('rival', { value: 9 }), opening: DECIDED_AT, passesOnAt: DECIDED_AT + HOUR_MS },
    };
    const weighed = (run: DecisionInput['run']) =>
      ask({ capRules: [capRule()], rivals: [rival], run }).gates.some(({ gate }) => gate === 'pending_candidates');
    expect([weighed(runIn('active')), weighed(paused())]).toEqual([true, false]);
  });

  it('stands behind the kill switch and a hold, and before everything else', () => {
    const all = { isKillSwitchOn: true, user: held(null), run: paused() };
    expect(
      ask(all)
        .gates.slice(0, 4)
        .map(({ gate, kind }) => `${gate} ${kind}`),
    ).toEqual(['kill_switch defer', 'user_hold defer', 'journey_pause defer', 'identity pass']);
    expect(ask(all).outcome).toMatchObject({ reason: 'KILL_SWITCH' });
    expect(ask({ ...all, isKillSwitchOn: false }).outcome).toMatchObject({ reason: 'USER_ON_HOLD' });
  });

  it('leaves no trace in a decision that it does not concern: records of before are made again as they are', () => {
    const { gates } = ask({});
    expect(gates.some(({ gate }) => gate === 'user_hold' || gate === 'journey_pause')).toBe(false);
  });
});
