import type { WorkflowHandle } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** Milliseconds since the epoch. */
const instantOf = ({ eventTime }: HistoryEvent): number =>
  Number(eventTime?.seconds ?? 0) * 1_000 + Math.floor((eventTime?.nanos ?? 0) / 1_000_000);

/** When an execution began, and when it took each of its turns: with the tasks that it completed. */
export async function turnsOf(
  handle: WorkflowHandle,
): Promise<{ readonly startedAt: number; readonly turnsAt: readonly number[] }> {
  const { events } = await handle.fetchHistory();
  const history = events ?? [];
  const completed = new Set(
    history.map(({ workflowTaskCompletedEventAttributes: done }) => String(done?.startedEventId ?? '')),
  );
  const [first] = history;
  if (first === undefined) throw new Error(`${handle.workflowId} has no history`);
  const turns = history.filter(({ eventId }) => completed.has(String(eventId)));
  return { startedAt: instantOf(first), turnsAt: turns.map(instantOf) };
}
