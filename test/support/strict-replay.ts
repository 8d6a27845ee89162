import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { bundleWorkflowCode, DefaultLogger, Worker, type InjectedSinks } from '@temporalio/worker';
import type { RunReport } from '../../src/core/journeys/progress.js';
import type { JourneySinks } from '../../workflows/messages.js';
import type { CommandSinks } from './command-recorder.js';
import type { JsonHistory } from './histories.js';
import { actsOfCommand, actsOfEvent, queueOf, type Act } from './workflow-acts.js';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The code does something else than the history says that it did. */
export class StrictReplayError extends Error {
  override readonly name = 'StrictReplayError';
}

/** Today's workflows with an ear for every command that they give. */
export async function bundleForStrictReplay(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: path('../../workflows/index.ts'),
    workflowInterceptorModules: [path('./command-recorder.ts')],
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

/**
 * Replays a history and compares every command with it: not only kinds and order, as the SDK does, but activity inputs
 * and options, timer lengths, search attributes, summaries, results and the answers to updates.
 *
 * @throws DeterminismViolationError where the SDK itself refuses; StrictReplayError that names the first difference
 */
export async function replayStrictly(code: string, history: JsonHistory): Promise<void> {
  const done: Act[] = [];
  const take = (queue: string, command: string): void => {
    done.push(...actsOfCommand(JSON.parse(command) as Record<string, unknown>, queue));
  };
  const sinks: InjectedSinks<JourneySinks & CommandSinks> = {
    progress: { report: { fn: (_info, _report: RunReport) => undefined } },
    commands: { report: { fn: (info, command) => take(info.taskQueue, command), callDuringReplay: true } },
  };
  await Worker.runReplayHistory({ workflowBundle: { code }, sinks }, history, 'replayed');
  const recorded = history.events.flatMap((event) => actsOfEvent(event, queueOf(history)));
  // Answers to updates travel beside the commands; the server may write them down earlier or later.
  const isAnswer = ({ kind }: Act): boolean => kind.startsWith('update');
  compare(
    done.filter((act) => !isAnswer(act)),
    recorded.filter((act) => !isAnswer(act)),
  );
  compare(done.filter(isAnswer), recorded.filter(isAnswer));
}

function compare(done: readonly Act[], recorded: readonly Act[]): void {
  for (let index = 0; index < Math.max(done.length, recorded.length); index += 1) {
    if (isDeepStrictEqual(done[index], recorded[index])) continue;
    const show = (act: Act | undefined): string => (act === undefined ? 'nothing' : JSON.stringify(act));
    throw new StrictReplayError(
      `act ${index}: the code does ${show(done[index])}, the history has ${show(recorded[index])}`,
    );
  }
}
