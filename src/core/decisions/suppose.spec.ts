import {
  candidate,
  capRule,
  contact,
  DECIDED_AT,
  decisionInput,
  grant,
  quietRule,
  runIn,
  suppression,
  userWith,
} from '../../../test/support/decision-input.js';
import { suppose, supposeWorth } from './suppose.js';
import type { DecisionInput, GateName, GateVerdict } from './types.js';

const hello = candidate('hello');
const other = candidate('other', { channel: 'sms', template: 'other_mail' });
const twin = candidate('twin', { template: 'hello_mail' });
const CANDIDATES = [hello, other, twin];

function blocker(gate: GateName, more: Partial<GateVerdict> = {}): GateVerdict {
  return { gate, candidates: ['hello'], kind: 'refuse', reason: null, rule: null, until: null, facts: {}, ...more };
}
function supposed(gate: GateName, input: Partial<DecisionInput> = {}, more: Partial<GateVerdict> = {}) {
  const given = decisionInput({ candidates: CANDIDATES, ...input });
  const result = suppose({ input: given, candidate: given.candidates[0] ?? hello }, blocker(gate, more));
  // It is the candidate of its input, whatever was changed.
  expect(result.input.candidates[0]).toEqual(result.candidate);
  return result.input;
}

describe('what is taken away of what stands in the way', () => {
  it('the kill switch, the hold, the pauses of the journey and of the sending domain, the end of the run', () => {
    expect(supposed('kill_switch', { isKillSwitchOn: true }).isKillSwitchOn).toBe(false);
    const held = userWith({ hold: { since: 0, until: null } });
    expect(supposed('user_hold', { user: held }).user).toEqual(userWith({}));
    const run = runIn('active');
    const paused = run && { ...run, isJourneyPaused: true as const };
    expect(supposed('journey_pause', { run: paused }).run).toEqual(run);
    const sendingPause = { domain: 'example.com', cause: 'bounces', since: 0 } as const;
    expect(supposed('sending_pause', { sendingPause })).not.toHaveProperty('sendingPause');
    expect(supposed('exit', { run: runIn('exited') }).run).toEqual(run);
    expect(supposed('exit', { run: null }).run).toBeNull();
  });

  it.each<[string, Partial<GateVerdict>, object, object, object]>([
    ['an inactive action', { reason: 'ACTION_INACTIVE' }, { isActive: false }, { isActive: true }, { isActive: false }],
    [
      'no address',
      { reason: 'ADDRESS_MISSING' },
      { addressHash: null },
      { addressHash: 'supposed' },
      { addressHash: null },
    ],
    [
      'no template, for all that use it',
      { reason: 'TEMPLATE_MISSING' },
      { templateVersion: null },
      { templateVersion: 1 },
      { templateVersion: 1 },
    ],
    [
      'a fault of the template, for all that use it',
      { reason: 'RENDER_FAILED' },
      { renderFault: 'x' },
      { renderFault: null },
      { renderFault: null },
    ],
  ])('%s', (_what, verdict, broken, mended, twinAfter) => {
    const candidates = CANDIDATES.map((each) => ({ ...each, ...broken }));
    const after = supposed('identity', { candidates }, verdict).candidates;
    expect(after).toMatchObject([mended, broken, twinAfter]);
  });

  it('that nobody knows the person', () => {
    const user = userWith({ state: 'unknown' });
    expect(supposed('identity', { user }, { reason: 'USER_UNKNOWN' }).user.state).toBe('known');
  });

  it('the suppression and the journey that are named, and no other', () => {
    const two = [suppression(), suppression({ id: 'suppression-2' })];
    const facts = { suppressionId: 'suppression-1' };
    expect(supposed('suppression', { suppressions: two }, { facts }).suppressions).toEqual([two[1]]);
    const runs = ['winback', 'welcome'].map((journeyKey) => ({
      ...{ journeyKey, runKey: `${journeyKey}:1`, group: 'g', priority: 1, enteredAt: 0 },
    }));
    const conflict = supposed('journey_conflict', { otherRuns: runs }, { facts: { otherJourney: 'winback' } });
    expect(conflict.otherRuns).toEqual([runs[1]]);
  });

  it('a missing consent: the person says yes now, after all that was said before', () => {
    const withdrawn = grant({ id: 'w', status: 'withdrawn', receivedAt: DECIDED_AT + 5_000 });
    const before = grant({ id: 'g', receivedAt: DECIDED_AT + 5_000 });
    const { consents } = supposed('consent', { consents: [before, withdrawn] });
    expect(consents).toMatchObject([
      { id: 'g', receivedAt: DECIDED_AT + 5_000 },
      { id: 'w', status: 'withdrawn', receivedAt: DECIDED_AT - 1 },
      {
        ...{ id: 'supposed', status: 'granted', basis: 'consent', isObjection: false, expiresAt: null },
        ...{ purpose: 'marketing', channel: 'email', brand: 'default', statedAt: DECIDED_AT, receivedAt: DECIDED_AT },
      },
    ]);
    const old = supposed('consent', { consents: [grant({ status: 'denied' })] }).consents[0];
    expect(old?.receivedAt).toBe(DECIDED_AT - 86_400_000);
  });

  it.each([
    ['NOT_ELIGIBLE', 'eligibility'],
    ['NOT_APPLICABLE', 'applicability'],
    ['NOT_SUITABLE', 'suitability'],
  ] as const)('%s: that condition, of this action alone', (reason, condition) => {
    const never = { kind: 'equals', attribute: 'plan', value: 'free' } as const;
    const all = { eligibility: never, applicability: never, suitability: never };
    const candidates = CANDIDATES.map((each) => ({ ...each, ...all }));
    const after = supposed('next_best_action', { candidates }, { reason }).candidates;
    expect(after).toMatchObject([{ ...all, [condition]: null }, all, all]);
  });

  it('the limit and the pause that are named, by rule and version', () => {
    const caps = [capRule(), capRule({ id: 'weekly' }), capRule({ version: 3 })];
    expect(supposed('caps', { capRules: caps, contacts: [contact()] }, { rule: 'daily@2' }).capRules).toEqual([
      caps[1],
      caps[2],
    ]);
    const pause = { id: 'rest', version: 1 } as DecisionInput['pauseRules'][number];
    const pauses = [pause, { ...pause, id: 'long' }];
    expect(supposed('pause', { pauseRules: pauses }, { rule: 'rest@1' }).pauseRules).toEqual([pauses[1]]);
  });

  it('tiredness: the limit of the model, not the model', () => {
    const model = { id: 'tired', version: 1, threshold: 3 } as NonNullable<DecisionInput['fatigueModel']>;
    expect(supposed('fatigue', { fatigueModel: model }).fatigueModel).toEqual({ ...model, threshold: null });
    expect(supposed('fatigue', { fatigueModel: null }).fatigueModel).toBeNull();
  });

  it('quiet hours on the channel, and on no other', () => {
    const rules = [quietRule(), quietRule({ id: 'all', channels: null }), quietRule({ id: 'sms', channels: ['sms'] })];
    expect(supposed('quiet_hours', { quietRules: rules }, { reason: 'QUIET_HOURS' }).quietRules).toMatchObject([
      { id: 'night', channels: [] },
      { id: 'all', channels: ['sms'] },
      { id: 'sms', channels: ['sms'] },
    ]);
  });

  it.each(['quiet_hours', 'expiry'] as const)('%s: that it is too late, for the action and in every rule', (gate) => {
    const candidates = CANDIDATES.map((each) => ({ ...each, ttlMs: 5 }));
    const quietRules = [quietRule({ ttlMs: 5 })];
    const after = supposed(gate, { candidates, quietRules }, { reason: 'EXPIRED' });
    expect(after.candidates.map(({ ttlMs }) => ttlMs)).toEqual([null, 5, 5]);
    expect(after.quietRules).toEqual([quietRule()]);
  });

  it('what waits beside it, and a holdout', () => {
    const rivals = [{ runKey: 'other' }] as unknown as DecisionInput['rivals'];
    expect(supposed('pending_candidates', { rivals }).rivals).toEqual([]);
    const holdouts = [{ id: 'all', version: 1, salt: 'h', share: 1, purposes: ['marketing'] }];
    expect(supposed('holdout', { holdouts }).holdouts).toEqual([]);
  });

  it('a worth that is too small: strictly more than is missing, by a little', () => {
    const before = { input: decisionInput({ candidates: CANDIDATES }), candidate: hello };
    const { candidate: after, input } = supposeWorth(before, 2);
    expect(after.channelCost).toBeLessThan(-2);
    expect(after.channelCost).toBeGreaterThan(-2.001);
    expect(input.candidates).toEqual([after, other, twin]);
  });
});
