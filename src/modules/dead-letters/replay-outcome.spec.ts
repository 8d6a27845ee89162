import type { StepAnswer } from '../../core/journeys/step-answer.js';
import { codeText, explainReplay, REPLAY_STATES, toReplayOutcome, type ReplayOutcome } from './replay-outcome.js';

const NOW = 1_000_000;
const decisionId = 'decision';

describe('what an answer of the step means to a replay', () => {
  it.each<[StepAnswer, Partial<ReplayOutcome>]>([
    [
      { kind: 'sent', decisionId, deliveryId: 'd', action: 'a' },
      { kind: 'over', state: 'sent', code: null },
    ],
    [{ kind: 'unknown', decisionId, deliveryId: 'd', reason: 'OUTCOME_UNKNOWN' }, { state: 'unknown' }],
    [{ kind: 'skip', decisionId, reason: 'PROVIDER_REJECTED' }, { state: 'rejected' }],
    [
      { kind: 'skip', decisionId, reason: 'CONSENT_WITHDRAWN' },
      { state: 'refused', code: 'CONSENT_WITHDRAWN' },
    ],
    [
      { kind: 'do_nothing', decisionId, reason: 'BELOW_THRESHOLD' },
      { state: 'refused', code: 'BELOW_THRESHOLD' },
    ],
    [
      { kind: 'skip', decisionId, reason: 'RUN_EXITED' },
      { state: 'refused', code: 'RUN_EXITED' },
    ],
    [
      { kind: 'skip', decisionId, reason: 'RUN_PAUSED' },
      { kind: 'put_off', until: NOW + 6 * 3_600_000, isClaimed: false },
    ],
    [
      { kind: 'defer', decisionId, reason: 'QUIET_HOURS', until: NOW + 5 },
      { kind: 'put_off', code: 'QUIET_HOURS', until: NOW + 5, isClaimed: false },
    ],
    [
      { kind: 'defer', decisionId, reason: 'OUTCOME_IN_DOUBT', until: NOW + 5 },
      { kind: 'put_off', until: NOW + 5, isClaimed: true },
    ],
  ])('%j', (answer, expected) => {
    expect(toReplayOutcome(answer, NOW)).toMatchObject({ ...expected, decisionId });
  });

  it('is told in one sentence for every state, with the reason in words', () => {
    const codes = [null, 'QUIET_HOURS', 'DEAD_LETTER_TAKEN'];
    for (const state of REPLAY_STATES) {
      for (const code of codes) {
        const told = explainReplay({ state, code, isClaimed: false, nextAt: state === 'waiting' ? NOW : null });
        expect(told).toMatch(/^[A-Z][^.]*(\.\d{3}Z)?\.$/);
      }
    }
    const waiting = { state: 'waiting', isClaimed: false, nextAt: 0 } as const;
    expect(explainReplay({ ...waiting, code: 'QUIET_HOURS' })).toBe(
      'It was put off: it is a quiet hour for the recipient; it is asked again at 1970-01-01T00:00:00.000Z.',
    );
    expect(explainReplay({ ...waiting, code: 'OUTCOME_IN_DOUBT', isClaimed: true })).toMatch(/under way/);
    expect(codeText('toString')).toBe('toString');
  });
});
