import type { RunStepInput } from '../../activities/contract.js';
import { liveVirtually, type VirtualWorld } from '../../src/core/journeys/virtual-run.js';
import type { Plan } from '../../src/core/journeys/plan.js';
import { CaseWorld, isForVirtual, planOfCase, readJourneyCases, type JourneyCase } from '../support/journey-cases.js';
import { describeOnTemporal } from '../support/environment.js';
import { JourneyStage } from '../support/journey-stage.js';
import type { Call, Script } from '../support/scripted-activities.js';
import { turnsOf } from '../support/turns.js';

const AT_ONCE = 8;
const ALL_MS_MAX = 600_000;
const cases = readJourneyCases().filter(isForVirtual);

/** What a run asked for, with all that it was asked with, and how it ended. */
type Log = readonly unknown[];

/** Both hosts carry out the same commands; each says them in its own words. */
function commandOf(call: Call): unknown {
  switch (call.activity) {
    case 'runStep':
      return { activity: call.activity, step: call.step, visit: call.visit, ask: call.ask, at: nowOf(call) };
    case 'evaluateBranch':
      return { activity: call.activity, condition: call.condition, at: nowOf(call) };
    case 'chooseBranch':
      return { activity: call.activity, stepId: call.stepId, conditions: call.conditions, at: nowOf(call) };
    case 'findMoment':
      return { activity: call.activity, stepId: call.stepId, moment: call.moment, from: call.from, at: nowOf(call) };
    case 'act':
      return { activity: call.activity, stepId: call.stepId, visit: call.visit, act: call.act, at: nowOf(call) };
    case 'findEvent': {
      const { activity, events, listeners = [], after, until } = call;
      return { activity, events, listeners, after, until };
    }
    case 'finishRun':
      return { activity: call.activity, outcome: call.outcome, reason: call.reason, at: call.endedAt };
  }
}

const nowOf = ({ clock }: Pick<RunStepInput, 'clock'>): number => (clock.kind === 'virtual' ? clock.now : Number.NaN);

/** The world of a case as the activities of a run on the server. It begins with the execution. */
function scriptOf(world: Promise<CaseWorld>): Script {
  return {
    answer: async (input) => (await world).runStep(input, nowOf(input)),
    holds: async (input) => (await world).holds(input),
    choice: async (input) => (await world).choose(input, nowOf(input)),
    moment: async (input) => (await world).findMoment(input),
    act: async (input) => (await world).act(input, nowOf(input)),
    events: async () => (await world).events(),
  };
}

/** The same world, noting what the simulator's host asks of it. */
function noting(world: CaseWorld, log: unknown[]): VirtualWorld {
  return {
    runStep(command, at) {
      const { step, visit, ask } = command;
      log.push({ activity: 'runStep', step, visit, ask, at });
      return world.runStep(command, at);
    },
    holds(command, at) {
      log.push({ activity: 'evaluateBranch', condition: command.condition, at });
      return world.holds(command);
    },
    choose(command, at) {
      const { stepId, conditions } = command;
      log.push({ activity: 'chooseBranch', stepId, conditions, at });
      return world.choose(command, at);
    },
    findMoment(command, at) {
      const { stepId, moment, from } = command;
      log.push({ activity: 'findMoment', stepId, moment, from, at });
      return world.findMoment(command);
    },
    act(command, at) {
      const { stepId, visit, act } = command;
      log.push({ activity: 'act', stepId, visit, act, at });
      return world.act(command, at);
    },
    findEvent(command) {
      const { events, listeners = [], after, until } = command;
      log.push({ activity: 'findEvent', events, listeners, after, until });
      return world.findEvent(command);
    },
  };
}

/** What the simulator's host makes of the case, at the instants of a real host or at its own. */
function simulate(
  each: JourneyCase,
  plan: Plan,
  real: { readonly entryAt: number; readonly runKey: string; readonly turnsAt: readonly number[] },
): Log {
  const { entryAt, runKey, turnsAt } = real;
  const log: unknown[] = [];
  let turn = 0;
  const run = liveVirtually(
    plan,
    {
      entryAt,
      until: Number.MAX_SAFE_INTEGER,
      unit: { userId: 'user', runKey },
      reachedAt: (dueAt) => turnsAt[turn++] ?? dueAt,
    },
    noting(new CaseWorld(each, plan, entryAt), log),
  );
  let step = run.next();
  while (step.done !== true) step = run.next();
  const end = step.value;
  if (end.kind !== 'ended') throw new Error(`${each.key} does not end`);
  return [...log, { activity: 'finishRun', outcome: end.outcome, reason: end.reason, at: end.at }];
}

describeOnTemporal('cases of journeys in virtual time', () => {
  const stage = new JourneyStage();
  beforeAll(() => stage.open('journeys-cases'));
  afterAll(() => stage.close());

  async function live(each: JourneyCase): Promise<{ readonly real: Log; readonly simulated: Log }> {
    const plan = planOfCase(each);
    const world = Promise.withResolvers<CaseWorld>();
    const run = await stage.start(plan, scriptOf(world.promise), { domain: `case-${each.key}` });
    const entryAt = (await run.handle.describe()).startTime.getTime();
    world.resolve(new CaseWorld(each, plan, entryAt));
    await run.handle.result();
    const { turnsAt } = await turnsOf(run.handle);
    return {
      real: stage.activities.callsOf(run.runKey).map(commandOf),
      simulated: simulate(each, plan, { entryAt, runKey: run.runKey, turnsAt }),
    };
  }

  it(
    'give the server and the simulator the same commands',
    async () => {
      expect(cases.length).toBeGreaterThanOrEqual(40);
      const queue = [...cases];
      const work = async (): Promise<void> => {
        for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
          const { real, simulated } = await live(each);
          expect({ key: each.key, commands: simulated }).toEqual({ key: each.key, commands: real });
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    },
    ALL_MS_MAX,
  );
});
