import { unreachable } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import { localPeriod } from '../kernel/local-calendar.js';
import type { CapWindow } from './cap-rule.js';

/** One stretch of time, up to now, in which contacts are counted. */
export interface CountedSpan {
  /** Contacts count that were made after this instant. */
  readonly after: InstantMs;
  /** When a contact of that instant counts no more. */
  readonly freesAt: (contactAt: InstantMs) => InstantMs;
}

/**
 * The stretches of a window that ends `now`: one of elapsed time, or one for each zone in which the person may be. A
 * limit must hold in every one of them.
 */
export function windowsAt(input: {
  readonly window: CapWindow;
  readonly zones: readonly string[];
  readonly now: InstantMs;
}): readonly CountedSpan[] {
  const { window, zones, now } = input;
  switch (window.kind) {
    case 'rolling':
    case 'min_gap': {
      const { durationMs } = window;
      return [{ after: now - durationMs, freesAt: (contactAt) => contactAt + durationMs }];
    }
    case 'calendar':
      return zones.map((zone) => {
        const { startAt, endAt } = localPeriod({ zone, unit: window.unit, at: now });
        return { after: startAt - 1, freesAt: () => endAt };
      });
    default:
      return unreachable(window);
  }
}
