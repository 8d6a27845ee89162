import { endStep, messageStep, planOfSteps, waitStep } from '../../../test/support/plans.js';
import { assignmentsIn, exposureOf, isDrawn, type Exposure } from './exposing.js';
import type { Move } from './path.js';
import type { Step } from './plan.js';

const T0 = Date.UTC(2027, 0, 15, 8);
const MINUTE = 60_000;
const DECISION = '00000000-0000-7000-8000-000000000001';
const CONTACTS = new Set(['sent', 'unknown', 'skip', 'do_nothing', 'defer']);

type Said = readonly [stepId: string, outcome: Move['outcome'], reason?: string];

/** A minute at each step; the last one is still open when it has no outcome. */
const pathOf = (...said: readonly Said[]): readonly Move[] =>
  said.map(([stepId, outcome, reason = null], index) => ({
    seq: index + 1,
    stepId,
    visit: 1,
    enteredAt: T0 + index * MINUTE,
    leftAt: outcome === null || outcome === 'defer' ? null : T0 + (index + 1) * MINUTE,
    outcome,
    reason,
    decisionId: outcome !== null && CONTACTS.has(outcome) ? DECISION : null,
    nextStepId: null,
    turn: index + 1,
  }));
const split = (...arms: readonly (readonly [name: string, next: string])[]): Step => ({
  kind: 'split',
  id: 'lots',
  salt: 'salt',
  arms: arms.map(([name, next]) => ({ name, weight: 10_000 / arms.length, next })),
});
function exposed(steps: readonly Step[], ...said: readonly Said[]): Exposure | null | undefined {
  const moves = pathOf(...said);
  return assignmentsIn(moves)
    .filter(({ stepId }) => stepId === 'lots')
    .map((assignment) => exposureOf(planOfSteps(steps), assignment, moves))[0];
}
const at = (minutes: number): number => T0 + minutes * MINUTE;
const delivery = (minutes: number): Exposure => ({ at: at(minutes), by: 'delivery', decisionId: DECISION });
const silence = (minutes: number, decisionId: string | null = null): Exposure => ({
  at: at(minutes),
  by: 'silence',
  decisionId,
});

describe('assignments', () => {
  it('are the arms that were drawn, once for each split; a branch draws nothing', () => {
    const moves = pathOf(
      ['which', 'arm', 'branches[0]'],
      ['lots', 'arm', 'a'],
      ['other', 'arm', 'b'],
      ['lots', 'arm', 'a'],
      ['hello', 'sent'],
      ['lots', 'limit'],
    );
    expect(assignmentsIn(moves)).toEqual([
      { stepId: 'lots', arm: 'a', assignedAt: at(1), seq: 2 },
      { stepId: 'other', arm: 'b', assignedAt: at(2), seq: 3 },
    ]);
    expect(moves.map(isDrawn)).toEqual([false, true, true, true, false, false]);
  });
});

describe('a user meets an arm', () => {
  /** The control arm waits as long as the other one, and then both go on alike. */
  const steps = [
    split(['offer', 'hello'], ['control', 'pause']),
    messageStep('hello', 'join'),
    waitStep('pause', MINUTE, 'join'),
    messageStep('join', 'done'),
    endStep('done'),
  ];

  it('when its own message goes out, and not when it is drawn or when a message comes that every arm has', () => {
    expect(exposed(steps, ['lots', 'arm', 'offer'])).toBeNull();
    expect(exposed(steps, ['lots', 'arm', 'offer'], ['hello', 'defer', 'QUIET_HOURS'])).toBeNull();
    expect(exposed(steps, ['lots', 'arm', 'offer'], ['hello', 'sent'])).toEqual(delivery(2));
    expect(exposed(steps, ['lots', 'arm', 'offer'], ['hello', 'unknown', 'OUTCOME_UNKNOWN'])).toEqual(delivery(2));
    const refused: Said = ['hello', 'skip', 'CAP_REACHED'];
    expect(exposed(steps, ['lots', 'arm', 'offer'], refused, ['join', 'sent'])).toBeNull();
  });

  it('when its message is left out on purpose', () => {
    for (const reason of ['HOLDOUT', 'BELOW_THRESHOLD'] as const) {
      expect(exposed(steps, ['lots', 'arm', 'offer'], ['hello', 'skip', reason])).toEqual(silence(2, DECISION));
      expect(exposed(steps, ['lots', 'arm', 'offer'], ['hello', 'do_nothing', reason])).toEqual(silence(2, DECISION));
    }
    expect(exposed(steps, ['lots', 'arm', 'offer'], ['hello', 'do_nothing', 'NOTHING_ELIGIBLE'])).toBeNull();
  });

  it('that sends nothing, once it is through its waits', () => {
    expect(exposed(steps, ['lots', 'arm', 'control'], ['pause', null])).toBeNull();
    expect(exposed(steps, ['lots', 'arm', 'control'], ['pause', 'time'], ['join', null])).toEqual(silence(2));
    const straight = [split(['offer', 'hello'], ['control', 'done']), messageStep('hello', 'done'), endStep('done')];
    expect(exposed(straight, ['lots', 'arm', 'control'], ['done', 'completed'])).toEqual(silence(1));
  });

  it('that sends nothing and ends apart, when it has ended by itself', () => {
    const apart = [
      split(['offer', 'hello'], ['control', 'pause']),
      messageStep('hello', 'done'),
      waitStep('pause', MINUTE, 'quiet'),
      endStep('done'),
      endStep('quiet'),
    ];
    const waited: readonly Said[] = [
      ['lots', 'arm', 'control'],
      ['pause', 'time'],
    ];
    expect(exposed(apart, ...waited, ['quiet', 'completed'])).toEqual(silence(3));
    // Who leaves, or is taken elsewhere, before the others would have been contacted met nothing.
    expect(exposed(apart, ['lots', 'arm', 'control'], ['pause', 'exited'])).toBeNull();
    expect(exposed(apart, ['lots', 'arm', 'control'], ['pause', 'moved'], ['done', 'completed'])).toBeNull();
  });

  it('in no arm, when a goal ends the run on its way', () => {
    // A goal completes the run wherever it stands: the arm with a message is not met then, nor is the silent one.
    expect(exposed(steps, ['lots', 'arm', 'offer'], ['hello', 'completed', 'goal:bought'])).toBeNull();
    expect(exposed(steps, ['lots', 'arm', 'control'], ['pause', 'completed', 'goal:bought'])).toBeNull();
    // Once it is through its waits, a goal comes too late to change anything.
    const after: readonly Said[] = [
      ['pause', 'time'],
      ['join', 'completed', 'goal:bought'],
    ];
    expect(exposed(steps, ['lots', 'arm', 'control'], ...after)).toEqual(silence(2));
  });

  it('with the next message, where arms differ in time alone', () => {
    const times = [
      split(['soon', 'hello'], ['late', 'pause']),
      waitStep('pause', MINUTE, 'hello'),
      messageStep('hello', 'done'),
      endStep('done'),
    ];
    expect(exposed(times, ['lots', 'arm', 'soon'], ['hello', 'sent'])).toEqual(delivery(2));
    expect(exposed(times, ['lots', 'arm', 'late'], ['pause', 'time'], ['hello', null])).toBeNull();
    expect(exposed(times, ['lots', 'arm', 'late'], ['pause', 'time'], ['hello', 'sent'])).toEqual(delivery(3));
  });

  it('in a loop too: whoever comes back to the split begins anew', () => {
    const loop = [
      split(['offer', 'hello'], ['control', 'pause']),
      messageStep('hello', 'pause'),
      waitStep('pause', MINUTE, 'lots'),
    ];
    expect(exposed(loop, ['lots', 'arm', 'offer'], ['hello', 'sent'])).toEqual(delivery(2));
    expect(exposed(loop, ['lots', 'arm', 'control'], ['pause', null])).toEqual(silence(1));
    const refused: readonly Said[] = [
      ['lots', 'arm', 'offer'],
      ['hello', 'skip', 'CAP_REACHED'],
      ['pause', 'time'],
    ];
    expect(exposed(loop, ...refused, ['lots', 'arm', 'offer'], ['hello', 'sent'])).toEqual(delivery(5));
  });

  it('never, where the plan knows nothing of it', () => {
    expect(exposed(steps, ['lots', 'arm', 'gone'], ['hello', 'sent'])).toBeNull();
    expect(
      exposed([messageStep('lots', 'done'), endStep('done')], ['lots', 'arm', 'offer'], ['done', 'completed']),
    ).toBeNull();
  });

  it('by what comes after the split, whatever was sent before', () => {
    expect(exposed(steps, ['hello', 'sent'], ['lots', 'arm', 'offer'])).toBeNull();
  });
});
