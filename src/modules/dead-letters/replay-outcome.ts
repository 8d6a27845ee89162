import { HELD_ASK_MS } from '../../core/decisions/settle.js';
import type { StepAnswer } from '../../core/journeys/step-answer.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import { REASONS, type ReasonCode } from '../../core/kernel/reasons.js';

/**
 * Where a replay stands.
 * - `waiting`: it is asked at its next instant, or an attempt is under way.
 * - `sent`: the provider took the message.
 * - `refused`: a gate said no, or there is nothing to replay any more; nothing was sent.
 * - `rejected`: the provider refused it once more; the dead letter may be replayed again.
 * - `unknown`: nobody can tell whether the provider took it.
 * - `expired`: it was put off until its time was over.
 * - `cancelled`: an operator called it off.
 */
export const REPLAY_STATES = ['waiting', 'sent', 'refused', 'rejected', 'unknown', 'expired', 'cancelled'] as const;
export type ReplayState = (typeof REPLAY_STATES)[number];

/** Why a replay ended before a decision could be asked for. */
const ENDS = {
  DEAD_LETTER_TAKEN: 'its provider says by now that it had taken the message',
  DEAD_LETTER_REPEATED: 'its step has contacted the person since',
  DEAD_LETTER_STEP_GONE: 'no version of the journey has the step any more',
} as const;
type ReplayEnd = keyof typeof ENDS;

/** What a replay was put off for, or ended for. */
export type ReplayCode = ReasonCode | ReplayEnd;

/** What follows from an answer of the step. */
export type ReplayOutcome =
  | {
      readonly kind: 'over';
      readonly state: ReplayState;
      readonly code: ReplayCode | null;
      readonly decisionId: string;
    }
  | {
      readonly kind: 'put_off';
      readonly code: ReplayCode;
      readonly decisionId: string;
      readonly until: InstantMs;
      /** An attempt is in doubt: the replay cannot be called off, and follows what becomes of it. */
      readonly isClaimed: boolean;
    };

/** Reads an answer of the step as an operator's wish is concerned: only what holds for now is waited for. */
export function toReplayOutcome(answer: StepAnswer, now: InstantMs): ReplayOutcome {
  const { decisionId } = answer;
  switch (answer.kind) {
    case 'sent':
      return { kind: 'over', state: 'sent', code: null, decisionId };
    case 'unknown':
      return { kind: 'over', state: 'unknown', code: answer.reason, decisionId };
    case 'defer': {
      const { reason: code, until } = answer;
      return { kind: 'put_off', code, decisionId, until, isClaimed: code === 'OUTCOME_IN_DOUBT' };
    }
    case 'skip':
    case 'do_nothing': {
      const { reason: code } = answer;
      if (code === 'RUN_PAUSED') {
        return { kind: 'put_off', code, decisionId, until: now + HELD_ASK_MS, isClaimed: false };
      }
      return { kind: 'over', state: code === 'PROVIDER_REJECTED' ? 'rejected' : 'refused', code, decisionId };
    }
  }
}

/** A code in words; null for none. */
export function codeText(code: string | null): string | null {
  if (code === null) return null;
  if (Object.hasOwn(ENDS, code)) return ENDS[code as ReplayEnd];
  return Object.hasOwn(REASONS, code) ? REASONS[code as ReasonCode] : code;
}

/** Where a replay stands, in one sentence for an operator. */
export function explainReplay({
  state,
  code,
  isClaimed,
  nextAt,
}: {
  readonly state: ReplayState;
  readonly code: string | null;
  readonly isClaimed: boolean;
  readonly nextAt: InstantMs | null;
}): string {
  const why = codeText(code);
  switch (state) {
    case 'waiting': {
      if (isClaimed) return 'An attempt is under way, or in doubt: what its provider says decides.';
      if (why === null) return 'It waits for its turn.';
      const again = nextAt === null ? '' : `; it is asked again at ${new Date(nextAt).toISOString()}`;
      return `It was put off: ${why}${again}.`;
    }
    case 'sent':
      return 'The provider took the message.';
    case 'refused':
      return `It was refused, and nothing was sent: ${why ?? 'no reason is known'}.`;
    case 'rejected':
      return 'The provider refused the message once more: it is still a dead letter.';
    case 'unknown':
      return 'Nobody can tell whether the provider took the message: it is not sent again.';
    case 'expired':
      return `It could not go out within its time, and nothing was sent: ${why ?? 'its turn never came'}.`;
    case 'cancelled':
      return 'An operator called it off before anything was sent.';
  }
}
