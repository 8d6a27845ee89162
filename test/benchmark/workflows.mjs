// What is measured: our engine, and what a person would write by hand for the same journeys.
import {
  condition,
  defineSignal,
  proxyActivities,
  setHandler,
  sleep,
  upsertSearchAttributes,
} from '@temporalio/workflow';

export { journeyWorkflow } from '../../workflows/index.ts';

const { runStep, chooseBranch, act, finishRun, noteMove } = proxyActivities({ startToCloseTimeout: '30 seconds' });
const event = defineSignal('event');

const COMPLETED = { outcome: 'completed', reason: 'completed' };
const clock = { kind: 'real' };
const nothing = () => undefined;
const PARKED_MS = 30 * 86_400_000;

/** One activity per message or decision plus the timers, and nothing else. */
export const handWritten = (input) => live(input, nothing);

/** The same with what our engine may add: one activity a run, and search attributes to find the run by. */
export async function handWrittenWithBudget(input) {
  const show = (StepId, RunState) => upsertSearchAttributes({ StepId: [StepId], RunState: [RunState] });
  await live(input, show);
  upsertSearchAttributes({ StepId: ['done'], RunState: ['completed'], ExitReason: ['completed'] });
  await finishRun({ run: input.run, ...COMPLETED, endedAt: Date.now(), clock });
  return COMPLETED;
}

/** Waits for a signal and does one activity: what a run that moves on an event costs at least. */
export async function bareWait() {
  let sentAt = null;
  setHandler(event, (message) => {
    sentAt ??= message.sentAt;
  });
  await condition(() => sentAt !== null, PARKED_MS);
  await noteMove(sentAt);
  await sleep(PARKED_MS);
}

const live = (input, show) => (input.plan.journeyKey === 'benchmark' ? short(input, show) : wide(input, show));

async function short({ run, plan }, show) {
  const { welcome, settle, nudge, rest, last } = plan.steps;
  const ask = (step) => runStep({ run, step, visit: 1, ask: 1, clock });
  await ask(welcome);
  show('settle', 'waiting');
  await sleep(settle.durationMs);
  await ask(nudge);
  show('rest', 'waiting');
  await sleep(rest.durationMs);
  await ask(last);
  return COMPLETED;
}

async function wide({ run, plan }, show) {
  const { welcome, buys, stage, lots, mark, last } = plan.steps;
  const ask = (step) => runStep({ run, step, visit: 1, ask: 1, clock });
  let heard = null;
  setHandler(event, ({ name, matches = [] }) => {
    if (name === 'called' || matches.includes(0)) heard ??= name;
  });
  await ask(welcome);
  show('buys', 'waiting');
  if (!(await condition(() => heard !== null, buys.timeoutMs))) {
    const conditions = stage.arms.map((arm) => arm.condition);
    const chosen = await chooseBranch({ run, stepId: 'stage', conditions, clock });
    if (chosen !== null && lots.arms.includes(drawn(lots.arms, run.userId))) {
      await act({ run, stepId: 'mark', visit: 1, act: mark.act, clock });
    }
  }
  await ask(last);
  return COMPLETED;
}

/** Lots as one would draw them by hand; all arms go the same way here. */
const drawn = (arms, userId) => arms[userId.charCodeAt(userId.length - 1) % arms.length];
