import type { DecisionOutcome } from '../../core/decisions/types.js';
import type { InstantMs } from '../../core/kernel/instant.js';
import type { ReasonCode } from '../../core/kernel/reasons.js';

/** How an outcome stands in columns and answers: silence is channel `none` and action `none`. */
export function toColumns(outcome: DecisionOutcome): {
  readonly channel: string;
  readonly action: string;
  readonly reason: ReasonCode | null;
  readonly until: InstantMs | null;
} {
  switch (outcome.kind) {
    case 'act':
      return { channel: outcome.channel, action: outcome.action, reason: null, until: null };
    case 'defer':
      return { channel: 'none', action: outcome.action, reason: outcome.reason, until: outcome.until };
    case 'do_nothing':
      return { channel: 'none', action: 'none', reason: outcome.reason, until: null };
  }
}
