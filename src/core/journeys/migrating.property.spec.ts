import fc from 'fast-check';
import type { FoundEvent } from '../../../activities/contract.js';
import { unit } from '../../../test/support/interpreter-host.js';
import { anyPlan, eventName, eventPlan, eventsAfter, matchesOf } from '../../../test/support/random-plans.js';
import { firstFound } from '../../../test/support/scripted-activities.js';
import { stableFraction } from '../kernel/stable-hash.js';
import { endBy } from './listening.js';
import { next, start, type Command, type Input, type InterpreterState } from './interpreter.js';
import { movedPlan } from './migrating.js';
import { contentsOf } from './migrating-repeats.js';
import { readMap } from './migrating-map.js';
import type { Migration, MigrationTarget } from './migrating-types.js';
import { exitsOf } from './plan-graph.js';
import type { Plan, Step } from './plan.js';
import type { StepAnswer } from './step-answer.js';

const T0 = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const TURNS_MAX = 3_000;
const LISTENERS_FROM = 200_000;

/** Plans in which what is sent, and how steps are called, meets what the other version sends only now and then. */
const variedPlan = (version: number): fc.Arbitrary<Plan> =>
  fc.tuple(anyPlan, fc.integer(), fc.constantFrom('s', 'n')).map(([plan, seed, prefix]) => {
    const draw = (id: string): number => Math.floor(stableFraction(`${seed}:${id}`) * 8);
    const renamed = (id: string): string => id.replace('s', prefix);
    const steps = Object.values(plan.steps).map((step): Step => {
      const named = JSON.parse(
        JSON.stringify(step, (key, value: unknown) =>
          typeof value === 'string' && /^s\d+$/.test(value) && key !== 'salt' ? renamed(value) : value,
        ),
      ) as Step;
      if (named.kind === 'message' && named.channel !== 'best') return { ...named, template: `t${draw(named.id)}` };
      if (named.kind === 'decide') return { ...named, actions: [`a${draw(named.id)}`] };
      return named.kind === 'split' ? { ...named, salt: `salt${draw(named.id)}` } : named;
    });
    return {
      ...plan,
      version,
      start: renamed(plan.start),
      steps: Object.fromEntries(steps.map((step) => [step.id, step])),
    };
  });

const mapOf = (from: Plan, to: Plan): fc.Arbitrary<Migration['steps']> => {
  const target = fc.record({
    step: fc.constantFrom(...Object.keys(to.steps)),
    keep: fc.constantFrom<MigrationTarget['keep'][]>('wait', 'restart'),
  });
  return fc
    .tuple(
      ...Object.keys(from.steps).map((id) =>
        fc.option(
          target.map((each) => [id, each] as const),
          { freq: 5 },
        ),
      ),
    )
    .map((entries) => Object.fromEntries(entries.filter((entry) => entry !== null)));
};

const event = eventName.chain((name) =>
  fc.record({
    messageId: fc.nat(20).map(String),
    name: fc.constant(name),
    occurredAt: fc.integer({ min: T0 - DAY_MS, max: T0 + 20 * DAY_MS }),
    matches: matchesOf(name),
  }),
);
const message: fc.Arbitrary<Input | null> = fc.oneof<fc.Arbitrary<Input | null>[]>(
  fc.record({ kind: fc.constant('event'), event }),
  fc.constantFrom<(Input | null)[]>({ kind: 'wake' }, { kind: 'pause' }, { kind: 'resume' }, null),
);

/** What the world says to a command; messages of steps go out, or are put off, or nobody knows. */
function reply(command: Command, now: number, nth: number): { readonly input: Input; readonly now: number } {
  const ids = { decisionId: 'd', deliveryId: 'l' };
  const sent: StepAnswer = { kind: 'sent', ...ids, action: 'a' };
  const answers: StepAnswer[] = [
    sent,
    { kind: 'defer', decisionId: 'd', reason: 'QUIET_HOURS', until: now + HOUR_MS },
    sent,
    { kind: 'unknown', ...ids, reason: 'OUTCOME_UNKNOWN' },
    { kind: 'skip', decisionId: 'd', reason: 'CONSENT_MISSING' },
  ];
  switch (command.kind) {
    case 'run_step':
      return { input: { kind: 'step_answer', answer: answers[nth % answers.length] ?? sent }, now };
    case 'evaluate_branch':
      return { input: { kind: 'branch_answer', holds: nth % 3 === 0 }, now };
    case 'choose':
      return { input: { kind: 'choice_answer', index: nth % 2 === 0 ? 0 : null }, now };
    case 'find_moment':
      return { input: { kind: 'moment_answer', until: nth % 3 === 0 ? null : command.from + HOUR_MS }, now };
    case 'act':
      return { input: { kind: 'act_answer', answer: { kind: 'done' } }, now };
    case 'find_event':
      return { input: { kind: 'event_answer', event: null }, now };
    case 'sleep':
      return { input: { kind: 'timer' }, now: Math.max(now, command.until) };
    case 'wait_message':
      return { input: command.because === 'moved' ? { kind: 'recorded', event: null } : { kind: 'resume' }, now };
    case 'end':
      throw new Error('an end wants no reply');
  }
}

/** What a run may come to send from a step on, by walking the graph. */
function reachable(plan: Plan, from: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = [...from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const step = plan.steps[id];
    if (step === undefined || seen.has(id)) continue;
    seen.add(id);
    open.push(...Object.values(exitsOf(step)));
  }
  return new Set([...seen].flatMap((id) => contentsOf(plan.steps[id] as Step)));
}

interface Life {
  readonly moved: boolean;
  /** Names of what went out after the move and had gone out before. */
  readonly repeats: readonly string[];
  readonly settled: number;
  readonly arms: readonly InterpreterState['arms'][];
}

/** A whole run that is told to move at some turn, over and over. */
function live(given: Plan, migration: Migration, toldAt: number, words: readonly (Input | null)[]): Life {
  let plan = given;
  let now = T0;
  let turn = next(plan, start(plan, { entryAt: T0, unit }), null, now);
  const before = new Set<string>();
  const repeats: string[] = [];
  const arms: InterpreterState['arms'][] = [];
  let again: ReadonlySet<string> = new Set();
  let isMoved = false;
  let settled = 0;
  for (let nth = 0; turn.command.kind !== 'end' && nth < TURNS_MAX; nth += 1) {
    const { command, state } = turn;
    let word: Input | null | undefined;
    if (nth >= toldAt && nth < toldAt + 20) word = nth % 2 === 0 ? { kind: 'migrate', migration } : words[nth - toldAt];
    const said = word === undefined ? reply(command, now, nth) : { input: word, now };
    const isAnswer = said.input?.kind === 'step_answer' && ['sent', 'unknown'].includes(said.input.answer.kind);
    if (command.kind === 'run_step' && isAnswer) {
      for (const content of contentsOf(command.step)) {
        if (!isMoved) before.add(content);
        else if (before.has(content) && !again.has(content)) repeats.push(content);
      }
    }
    if (!isMoved) again = reachable(plan, [state.cursor]);
    ({ now } = said);
    turn = next(plan, state, said.input, now);
    plan = turn.plan;
    arms.push(turn.state.arms);
    if (turn.state.settling !== undefined && state.settling === undefined) {
      settled += 1;
      isMoved = turn.state.settling.outcome === 'moved';
      // Of the step that it stood at when it moved, and of those behind it.
      if (isMoved) again = reachable(given, [turn.state.settling.from]);
    }
  }
  return { moved: isMoved, repeats, settled, arms };
}

describe('a migration, over random versions, maps and lives', () => {
  const scene = fc.tuple(variedPlan(1), variedPlan(2)).chain(([from, to]) =>
    fc.record({
      from: fc.constant(from),
      to: fc.constant(to),
      steps: mapOf(from, to),
      toldAt: fc.nat(12),
      words: fc.array(message, { minLength: 20, maxLength: 20 }),
    }),
  );

  it('sends nothing twice, leaves arms as they were drawn, and is decided once', () => {
    let moved = 0;
    fc.assert(
      fc.property(scene, ({ from, to, steps, toldAt, words }) => {
        const migration: Migration = { id: 'm', from: 1, plan: to, steps, offers: {}, listensFrom: T0, unit };
        const life = live(from, migration, toldAt, words);
        if (life.moved) moved += 1;
        expect(life.repeats).toEqual([]);
        expect(life.settled).toBeLessThanOrEqual(1);
        life.arms.reduce((earlier, later) => {
          expect({ ...later, ...earlier }).toEqual({ ...later });
          return later;
        }, {});
      }),
      { numRuns: 1_500 },
    );
    // Else it would have proved nothing.
    expect(moved).toBeGreaterThan(50);
  });

  it('that was found faultless moves every run that stands at one of its steps', () => {
    let moved = 0;
    fc.assert(
      fc.property(scene, ({ from, to, steps, toldAt }) => {
        const faultless = Object.fromEntries(
          Object.entries(steps).filter(
            ([id, target]) => readMap(from, to, { [id]: { step: target.step } }, {}).kind === 'map',
          ),
        );
        const migration: Migration = {
          id: 'm',
          from: 1,
          plan: to,
          steps: faultless,
          offers: {},
          listensFrom: T0,
          unit,
        };
        let now = T0;
        let turn = next(from, start(from, { entryAt: T0, unit }), null, now);
        for (let nth = 0; nth < toldAt && turn.command.kind !== 'end'; nth += 1) {
          const said = reply(turn.command, now, nth);
          ({ now } = said);
          turn = next(from, turn.state, said.input, now);
        }
        const { phase, cursor } = turn.state;
        const isDoubtful = phase.kind === 'waiting' && phase.wait.because === 'unknown';
        if (phase.kind !== 'waiting' || isDoubtful || faultless[cursor] === undefined) return;
        moved += 1;
        const { settling } = next(from, turn.state, { kind: 'migrate', migration }, now).state;
        expect(settling).toMatchObject({ outcome: 'moved' });
      }),
      { numRuns: 600 },
    );
    expect(moved).toBeGreaterThan(5);
  });
});

/** How a run ends in a version that only waits, from where it was moved to; by the rules alone. */
function wayByHand(
  plan: Plan,
  events: readonly FoundEvent[],
  at: { readonly cursor: string; readonly until: number | null; readonly countsFrom: number; readonly now: number },
): string {
  const endOf = (each: FoundEvent) => endBy(plan, each);
  let { cursor, until: kept, countsFrom, now } = at;
  const past = events.find((each) => each.occurredAt <= now && endOf(each) !== null);
  if (past !== undefined) return `${endOf(past)?.reason} @${now}`;
  for (;;) {
    const step = plan.steps[cursor];
    if (step?.kind === 'end') return `${step.reason} @${now}`;
    if (step?.kind !== 'wait' && step?.kind !== 'wait_for_any') throw new Error(`${cursor} is not for this`);
    const until = kept ?? now + (step.kind === 'wait' ? step.durationMs : step.timeoutMs);
    kept = null;
    const after = step.kind === 'wait' || step.since === 'step' ? countsFrom : T0;
    const armOf = ({ name, matches = [] }: FoundEvent) =>
      step.kind === 'wait'
        ? undefined
        : step.arms.find((arm) => arm.event === name && (arm.listener === null || matches.includes(arm.listener)));
    const first = events.find(
      (each) =>
        each.occurredAt <= until &&
        ((each.occurredAt > at.now && endOf(each) !== null) || (armOf(each) !== undefined && each.occurredAt > after)),
    );
    now = Math.max(now, first?.occurredAt ?? until);
    const end = first === undefined || first.occurredAt <= at.now ? null : endOf(first);
    if (end !== null) return `${end.reason} @${now}`;
    countsFrom = Math.max(countsFrom, first?.occurredAt ?? until);
    cursor =
      (first === undefined ? undefined : armOf(first))?.next ?? (step.kind === 'wait' ? step.next : step.onTimeout);
  }
}

it('no event is lost: a run that was moved goes the way that its new version goes with all that happened', () => {
  const scene = fc.tuple(eventPlan, eventPlan, eventsAfter(T0)).chain(([from, other, events]) => {
    const to: Plan = { ...other, version: 2 };
    return fc.record({
      from: fc.constant<Plan>({ ...from, watches: [], exitEvents: [] }),
      to: fc.constant(to),
      events: fc.constant(events),
      steps: mapOf(from, to),
      moveAt: fc.integer({ min: T0, max: T0 + 4 * DAY_MS }),
      // How many of the events before the move arrive after it, as they were tested before it.
      late: fc.nat(3),
    });
  });
  let moved = 0;
  fc.assert(
    fc.property(scene, ({ from, to, events, steps, moveAt, late }) => {
      const past = events.filter(({ occurredAt }) => occurredAt <= moveAt);
      const inTime = past.slice(0, Math.max(0, past.length - late));
      const tested = (each: FoundEvent): FoundEvent => {
        const matches = each.matches ?? [];
        return { ...each, matches: [...matches, ...matches.map((index) => index + LISTENERS_FROM)] };
      };
      let plan = from;
      let now = T0;
      let turn = next(plan, start(plan, { entryAt: T0, unit }), null, now);
      const give = (input: Input): void => {
        turn = next(plan, turn.state, input, now);
        ({ plan } = turn);
      };
      const commandNow = (): Command => turn.command;
      const sleepUntil = (instant: number): void => {
        while (turn.command.kind === 'sleep' && turn.command.until <= instant) {
          now = Math.max(now, turn.command.until);
          give({ kind: 'timer' });
        }
        now = Math.max(now, instant);
      };
      for (const each of inTime) {
        sleepUntil(each.occurredAt);
        give({ kind: 'event', event: each });
      }
      sleepUntil(moveAt);
      if (commandNow().kind !== 'sleep') return;
      const { countsFrom, phase } = turn.state;
      const migration: Migration = { id: 'm', from: 1, plan: to, steps, offers: {}, listensFrom: moveAt, unit };
      give({ kind: 'migrate', migration });
      if (turn.state.settling?.outcome !== 'moved') return;
      moved += 1;
      const standing = {
        cursor: turn.state.cursor,
        until: turn.state.settling.isWaitKept && phase.kind === 'waiting' ? phase.wait.until : null,
        countsFrom,
        now,
      };
      const known = past.map(tested);
      const ending = known.find((each) => endBy(movedPlan(to), each) !== null) ?? null;
      give({ kind: 'recorded', event: ending });
      for (const each of past.slice(inTime.length)) give({ kind: 'event', event: each });
      let heard = past.length;
      let command = commandNow();
      for (; command.kind !== 'end'; command = commandNow()) {
        const coming = events[heard];
        if (command.kind === 'find_event') {
          give({ kind: 'event_answer', event: firstFound(events.slice(0, heard).map(tested), command) });
        } else if (command.kind === 'sleep' && coming !== undefined && coming.occurredAt <= command.until) {
          heard += 1;
          now = coming.occurredAt;
          give({ kind: 'event', event: tested(coming) });
        } else {
          if (command.kind === 'sleep') now = Math.max(now, command.until);
          give({ kind: 'timer' });
        }
      }
      expect(`${command.reason} @${now}`).toBe(wayByHand(to, events, standing));
    }),
    { numRuns: 1_000 },
  );
  expect(moved).toBeGreaterThan(100);
});
