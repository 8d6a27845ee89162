import type { RunClock, RunReference } from '../../core/journeys/run-reference.js';
import type { Asker } from './run-questions.repository.js';

/** Who asks, and by which clock. */
export const askerOf = ({ run, clock }: { readonly run: RunReference; readonly clock: RunClock }): Asker => ({
  userId: run.userId,
  runKey: run.runKey,
  clockDomain: clock.kind === 'real' ? 'real' : clock.domain,
  now: clock.kind === 'real' ? null : clock.now,
});
