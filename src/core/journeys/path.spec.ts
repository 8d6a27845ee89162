import fc from 'fast-check';
import { defer, DAY, doNothing, HOUR, sent, skip, T0, unit, unknown } from '../../../test/support/interpreter-host.js';
import { actStep, arm, endStep, messageStep, planOfSteps, waitStep } from '../../../test/support/plans.js';
import { anyPlan } from '../../../test/support/random-plans.js';
import { next, putDown, start } from './interpreter.js';
import type { Command, Input, InterpreterState } from './interpreter.js';
import { moveOf, movesOf, type Move } from './path.js';
import type { Plan, Step } from './plan.js';

/** A host that keeps the path of its run. */
class Walker {
  readonly path = new Map<number, Move>();
  state: InterpreterState;
  command: Command | null = null;
  private open: Move | null = null;

  constructor(
    private plan: Plan,
    carried?: InterpreterState,
  ) {
    this.state = carried ?? start(plan, { entryAt: T0, unit });
    if (carried !== undefined) this.open = moveOf(carried);
  }

  give(answer: Input | null, now = T0): this {
    const states = [this.state];
    const turn = next(this.plan, this.state, answer, now, (state) => states.push(state));
    for (const move of movesOf({ plan: this.plan, answer, states, now }, this.open)) {
      this.path.set(move.seq, move);
      this.open = move.leftAt === null ? move : null;
    }
    this.plan = turn.plan;
    this.state = turn.state;
    this.command = turn.command;
    return this;
  }

  event(name: string, at: number): this {
    return this.give({ kind: 'event', event: { messageId: `${name}@${at}`, name, occurredAt: at } }, at);
  }

  /** `step#visit outcome reason -> next`, in order. */
  told(): readonly string[] {
    return [...this.path.values()].map(({ stepId, visit, outcome, reason, nextStepId }) =>
      [`${stepId}#${visit}`, outcome, reason, nextStepId === null ? null : `-> ${nextStepId}`]
        .filter((word) => word !== null)
        .join(' '),
    );
  }
}

const answered = (answer: typeof sent): Input => ({ kind: 'step_answer', answer });
const branch: Step = {
  kind: 'branch',
  id: 'is_pro',
  condition: { kind: 'exists', attribute: 'plan' },
  then: 'yes',
  otherwise: 'no',
};
const choose: Step = {
  kind: 'choose',
  id: 'which',
  arms: [{ condition: { kind: 'exists', attribute: 'plan' }, next: 'yes' }],
  otherwise: 'no',
};
const until: Step = {
  kind: 'wait_until',
  id: 'birthday',
  moment: { kind: 'local_time', localMinute: 540, weekdays: [] },
  next: 'yes',
  onMissing: 'no',
};
const buys: Step = {
  kind: 'wait_for_any',
  id: 'buys',
  arms: [arm('purchase', 'yes'), arm('signup', 'no')],
  timeoutMs: DAY,
  since: 'step',
  onTimeout: 'no',
};
const ends = [endStep('yes'), endStep('no')];

describe('the path of a run', () => {
  it.each<[string, Step, Input, string]>([
    ['a branch', branch, { kind: 'branch_answer', holds: true }, 'is_pro#1 then -> yes'],
    ['a branch that does not hold', branch, { kind: 'branch_answer', holds: false }, 'is_pro#1 otherwise -> no'],
    ['one of many', choose, { kind: 'choice_answer', index: 0 }, 'which#1 arm branches[0] -> yes'],
    ['none of many', choose, { kind: 'choice_answer', index: null }, 'which#1 otherwise -> no'],
    ['no date', until, { kind: 'moment_answer', until: null }, 'birthday#1 missing -> no'],
    ['a date that is past', until, { kind: 'moment_answer', until: T0 - 1 }, 'birthday#1 past -> yes'],
    ['a date', until, { kind: 'moment_answer', until: T0 + HOUR }, 'birthday#1'],
    [
      'an act',
      { ...actStep('call', { kind: 'reach_goal', goal: 'g' }, 'yes'), onFailure: 'no' } as Step,
      { kind: 'act_answer', answer: { kind: 'failed' } },
      'call#1 failed -> no',
    ],
    [
      'an act that is tried again',
      { ...actStep('call', { kind: 'reach_goal', goal: 'g' }, 'yes'), onFailure: 'no' } as Step,
      { kind: 'act_answer', answer: { kind: 'later', until: T0 + HOUR } },
      'call#1 later',
    ],
    ['a message', messageStep('hello', 'yes'), answered(sent), 'hello#1 sent -> yes'],
    ['a refusal', messageStep('hello', 'yes'), answered(skip()), 'hello#1 skip CONSENT_MISSING -> yes'],
    ['silence', messageStep('hello', 'yes'), answered(doNothing), 'hello#1 do_nothing BELOW_THRESHOLD -> yes'],
    ['a doubt', messageStep('hello', 'yes'), answered(unknown), 'hello#1 unknown OUTCOME_UNKNOWN'],
    ['a deferral', messageStep('hello', 'yes'), answered(defer(T0 + HOUR)), 'hello#1 defer QUIET_HOURS'],
    [
      'a refusal that ends the run',
      messageStep('hello', 'yes', { onRefusal: 'exit' }),
      answered(skip()),
      'hello#1 skip CONSENT_MISSING',
    ],
  ])('tells of %s', (_what, step, answer, wanted) => {
    expect(new Walker(planOfSteps([step, ...ends])).give(null).give(answer).told()[0]).toBe(wanted);
  });

  it('tells which event ended a wait, and that none did', () => {
    const plan = planOfSteps([buys, ...ends]);
    expect(
      new Walker(plan)
        .give(null)
        .event('signup', T0 + 1)
        .told(),
    ).toEqual(['buys#1 event signup -> no', 'no#1 completed no']);
    const late = new Walker(plan).give(null).give({ kind: 'timer' }, T0 + DAY);
    expect(late.told()).toEqual(['buys#1 timeout -> no', 'no#1 completed no']);
    expect([...late.path.values()].map(({ enteredAt, leftAt }) => [enteredAt - T0, (leftAt ?? 0) - T0])).toEqual([
      [0, DAY],
      [DAY, DAY],
    ]);
  });

  it('keeps the last answer of a message that was put off, with its decision', () => {
    const walker = new Walker(planOfSteps([messageStep('hello', 'yes'), ...ends])).give(null);
    walker.give(answered(defer(T0 + HOUR))).give({ kind: 'timer' }, T0 + HOUR);
    expect(walker.told()).toEqual(['hello#1 defer QUIET_HOURS']);
    walker.give(answered({ ...sent, decisionId: 'd2' }), T0 + HOUR);
    expect(walker.path.get(1)).toMatchObject({ outcome: 'sent', reason: null, decisionId: 'd2', leftAt: T0 + HOUR });
  });

  it('tells the arm of a split, visits of a loop, and where a limit sent the run on', () => {
    const split: Step = {
      kind: 'split',
      id: 'half',
      salt: 's',
      arms: [{ name: 'all', weight: 10_000, next: 'again' }],
    };
    const again = { ...messageStep('again', 'half'), limit: { visits: 2, next: 'yes' } };
    const walker = new Walker(planOfSteps([split, again, ...ends])).give(null);
    walker.give(answered(sent)).give(answered(sent));
    expect(walker.told()).toEqual([
      'half#1 arm all -> again',
      'again#1 sent -> half',
      'half#2 arm all -> again',
      'again#2 sent -> half',
      'half#3 arm all -> again',
      'again#2 limit -> yes',
      'yes#1 completed yes',
    ]);
    expect([...walker.path.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it.each<[string, Input, string]>([
    [
      'in the words of the plan',
      { kind: 'event', event: { messageId: 'm', name: 'gone', occurredAt: T0 + 1 } },
      'exit_event:gone',
    ],
    ['without the words of an operator, who may name a person', { kind: 'exit', reason: 'Ada asked for it' }, ''],
  ])('tells of an end in the middle %s', (_how, input, reason) => {
    const plan = planOfSteps([waitStep('pause', DAY, 'yes'), ...ends], { exitEvents: ['gone'] });
    expect(
      new Walker(plan)
        .give(null)
        .give(input, T0 + 1)
        .told(),
    ).toEqual([`pause#1 exited ${reason}`.trim()]);
  });

  it('goes on in another execution, which knows the open move by its state', () => {
    const plan = planOfSteps([waitStep('pause', DAY, 'yes'), ...ends]);
    const before = new Walker(plan).give(null);
    const after = new Walker(plan, putDown(before.state)).give({ kind: 'timer' }, T0 + DAY);
    expect(after.told()).toEqual(['pause#1 time -> yes', 'yes#1 completed yes']);
    expect(after.path.get(1)).toMatchObject({ enteredAt: T0, leftAt: T0 + DAY });
    expect([...before.path.keys(), ...after.path.keys()]).toEqual([1, 1, 2]);
  });

  it('tells that an operator took the run elsewhere', () => {
    const plan = planOfSteps([waitStep('pause', DAY, 'yes'), waitStep('other', DAY, 'yes'), ...ends]);
    const walker = new Walker(plan).give(null);
    walker.state = { ...walker.state, cursor: 'other', phase: { kind: 'ready' } };
    expect(walker.give(null, T0 + 1).told()).toEqual(['pause#1 moved -> other', 'other#1']);
  });

  it.each<['wait' | 'restart', readonly string[]]>([
    ['restart', ['pause#1 moved -> other', 'other#1 time -> yes', 'yes#1 completed yes']],
    ['wait', ['other#1 time -> yes', 'yes#1 completed yes']],
  ])('goes on in another version: %s', (keep, wanted) => {
    const from = planOfSteps([waitStep('pause', DAY, 'yes'), ...ends]);
    const to = planOfSteps([waitStep('other', DAY, 'yes'), ...ends], { version: 2 });
    const walker = new Walker(from).give(null);
    const steps = { pause: { step: 'other', keep } };
    const migration = { id: 'm', from: 1, plan: to, steps, offers: {}, unit, listensFrom: T0 };
    walker.give({ kind: 'migrate', migration }, T0 + HOUR).give({ kind: 'recorded', event: null }, T0 + HOUR);
    const due = walker.command?.kind === 'sleep' ? walker.command.until : 0;
    expect(due).toBe(keep === 'wait' ? T0 + DAY : T0 + HOUR + DAY);
    expect(walker.give({ kind: 'timer' }, due).told()).toEqual(wanted);
    expect([...walker.path.keys()]).toEqual(wanted.map((_, index) => index + 1));
  });

  it('of random journeys: each move leads to the next, and the last is where the run is', () => {
    fc.assert(
      fc.property(anyPlan, fc.infiniteStream(fc.nat(5)), (plan, chances) => {
        const walker = new Walker(plan).give(null);
        let now = T0;
        for (let turn = 0; turn < 60 && walker.command !== null && walker.command.kind !== 'end'; turn += 1) {
          const chance = chances.next().value ?? 0;
          if (walker.command.kind === 'sleep' && chance > 1) now = Math.max(now, walker.command.until);
          walker.give(replyTo(walker.command, chance, now, turn), now);
        }
        const moves = [...walker.path.values()];
        expect(moves.map(({ seq }) => seq)).toEqual(moves.map((_, index) => index + 1));
        moves.forEach((move, index) => {
          const following = moves[index + 1];
          if (following === undefined) return;
          expect([move.nextStepId, move.leftAt]).toEqual([following.stepId, following.enteredAt]);
          expect(move.outcome).not.toBeNull();
        });
        expect(walker.state.visitsTotal).toBe(moves.length);
        if (walker.command?.kind !== 'end')
          expect(moves.at(-1)).toMatchObject({ stepId: walker.state.cursor, leftAt: null });
        else expect(moves.at(-1)?.leftAt).toBe(now);
      }),
    );
  });
});

function replyTo(command: Command, chance: number, now: number, turn: number): Input {
  const steps = [sent, skip(), doNothing, defer(now + HOUR), unknown, sent] as const;
  switch (command.kind) {
    case 'run_step':
      return { kind: 'step_answer', answer: steps[chance] ?? sent };
    case 'evaluate_branch':
      return { kind: 'branch_answer', holds: chance % 2 === 0 };
    case 'choose':
      return { kind: 'choice_answer', index: chance % 2 === 0 ? 0 : null };
    case 'find_moment':
      return { kind: 'moment_answer', until: chance === 0 ? null : now + (chance - 2) * HOUR };
    case 'act':
      return { kind: 'act_answer', answer: { kind: chance % 2 === 0 ? 'done' : 'failed' } };
    case 'sleep': {
      const name = ['purchase', 'signup'][chance];
      if (name === undefined) return { kind: 'timer' };
      return { kind: 'event', event: { messageId: `${turn}`, name, occurredAt: now, matches: [0, 1, 2] } };
    }
    case 'find_event':
    case 'wait_message':
    case 'end':
      throw new Error(`a real run that nobody pauses gives no ${command.kind}`);
  }
}
