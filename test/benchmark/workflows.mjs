// What is measured: our engine, and what a person would write by hand for the same journey.
import { proxyActivities, sleep, upsertSearchAttributes } from '@temporalio/workflow';

export { journeyWorkflow } from '../../workflows/index.ts';

const { runStep, finishRun } = proxyActivities({ startToCloseTimeout: '30 seconds' });

/** One activity per message or decision plus the timers, and nothing else. */
export async function handWritten({ run, plan }) {
  const { welcome, settle, nudge, rest, last } = plan.steps;
  const ask = (step) => runStep({ run, step, visit: 1, ask: 1, clock: { kind: 'real' } });
  await ask(welcome);
  await sleep(settle.durationMs);
  await ask(nudge);
  await sleep(rest.durationMs);
  await ask(last);
  return { outcome: 'completed', reason: 'completed' };
}

/** The same with what our engine may add: one activity a run, and search attributes to find the run by. */
export async function handWrittenWithBudget({ run, plan }) {
  const { welcome, settle, nudge, rest, last } = plan.steps;
  const clock = { kind: 'real' };
  const ask = (step) => runStep({ run, step, visit: 1, ask: 1, clock });
  const show = (StepId, RunState) => upsertSearchAttributes({ StepId: [StepId], RunState: [RunState] });
  await ask(welcome);
  show('settle', 'waiting');
  await sleep(settle.durationMs);
  await ask(nudge);
  show('rest', 'waiting');
  await sleep(rest.durationMs);
  await ask(last);
  upsertSearchAttributes({ StepId: ['done'], RunState: ['completed'], ExitReason: ['completed'] });
  const end = { outcome: 'completed', reason: 'completed' };
  await finishRun({ run, ...end, endedAt: Date.now(), clock });
  return end;
}
