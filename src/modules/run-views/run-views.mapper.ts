import { eventWaitOf } from '../../core/journeys/listening.js';
import type { Move } from '../../core/journeys/path.js';
import type { Plan, Step } from '../../core/journeys/plan.js';
import { REASONS } from '../../core/kernel/reasons.js';
import type { RunRow } from '../journeys/index.js';
import type { EntryFacts, ResponseRow } from './run-facts.repository.js';
import type { RunMoveView, RunStoryView, RunWaitView } from './run-views.dto.js';

const text = (instant: number): string => new Date(instant).toISOString();
const textOrNull = (instant: number | null): string | null => (instant === null ? null : text(instant));

/** The code's own words; null where the reason is no code. */
const wordsOf = (reason: string | null): string | null =>
  reason === null ? null : ((REASONS as Readonly<Record<string, string>>)[reason] ?? null);

export const toMoveView =
  (plan: Plan) =>
  (move: Move): RunMoveView => ({
    seq: move.seq,
    step_id: move.stepId,
    kind: plan.steps[move.stepId]?.kind ?? null,
    visit: move.visit,
    entered_at: text(move.enteredAt),
    left_at: textOrNull(move.leftAt),
    outcome: move.outcome,
    reason: move.reason,
    reason_text: wordsOf(move.reason),
    decision_id: move.decisionId,
    next_step_id: move.nextStepId,
  });

/** @param open the move that the run is in, if its path tells of one */
export function toWaitView(run: RunRow, entry: EntryFacts, open: Move | null): RunWaitView {
  const { plan } = entry;
  const step = run.stepId === null ? undefined : plan.steps[run.stepId];
  const isWaiting = run.state === 'waiting';
  const reason = isWaiting && open?.stepId === run.stepId ? open.reason : null;
  return {
    step_id: run.stepId,
    kind: step?.kind ?? null,
    visit: open?.visit ?? null,
    since: textOrNull(open?.enteredAt ?? null),
    until: textOrNull(run.waitsUntil),
    reason,
    reason_text: wordsOf(reason),
    events: isWaiting ? eventsOf(step) : [],
    ends_on: endsOf(plan),
    next_instants: instantsOf(run, step, open),
    paused_at: textOrNull(entry.pausedAt),
    exit_requested_at: textOrNull(entry.exitRequestedAt),
    is_start_pending: entry.isStartPending,
  };
}

export const toEntryView = (entry: EntryFacts, { version }: RunRow): RunStoryView['entry'] => ({
  source: entry.source,
  entry_key: entry.entryKey,
  entered_at: text(entry.enteredAt),
  version,
});

export const toResponseView = ({ stepId, response, receivedAt }: ResponseRow): RunStoryView['responses'][number] => ({
  step_id: stepId,
  response,
  received_at: text(receivedAt),
});

function eventsOf(step: Step | undefined): RunWaitView['events'] {
  const arms = (step === undefined ? null : eventWaitOf(step))?.arms ?? [];
  return arms.map(({ event, listener, next }) => ({ event, has_condition: listener !== null, next_step_id: next }));
}

const endsOf = ({ exitEvents, watches = [] }: Plan): RunWaitView['ends_on'] => [
  ...exitEvents.map((event) => ({ event, has_condition: false, outcome: 'exited' as const })),
  ...watches.map(({ event, listener, outcome }) => ({ event, has_condition: listener !== null, outcome })),
];

type NextInstant = RunWaitView['next_instants'][number];

function instantsOf(run: RunRow, step: Step | undefined, open: Move | null): RunWaitView['next_instants'] {
  if (run.state !== 'waiting' || run.waitsUntil === null) return [];
  const instants: NextInstant[] = [{ at: text(run.waitsUntil), what: whatComes(step, open) }];
  const isAsking = step?.kind === 'message' || step?.kind === 'decide';
  if (isAsking && step.ttlMs !== undefined && open?.outcome === 'defer') {
    instants.push({ at: text(open.enteredAt + step.ttlMs), what: 'expires' });
  }
  return instants.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function whatComes(step: Step | undefined, open: Move | null): NextInstant['what'] {
  if (step === undefined) return 'goes_on';
  if (step.kind === 'act') return 'tries_again';
  if (eventWaitOf(step) !== null) return 'times_out';
  const isPutOff = open?.outcome === 'defer' || open?.reason === 'RUN_PAUSED' || open?.reason === 'RUN_EXITED';
  return isPutOff ? 'asks_again' : 'goes_on';
}
