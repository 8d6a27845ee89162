import { assert } from '../kernel/assert.js';

/** What became of the e-mail of one domain, within some time. */
export interface SendingCounts {
  /** Messages that providers took, or whose recipient they refused. */
  readonly taken: number;
  /** Those that came back for good. */
  readonly bounced: number;
  /** Those whose recipient complained. */
  readonly complained: number;
}

/** Whether marketing may go out: as ever, at a part of its rate, or not at all. */
export type SendingState = 'active' | 'slowed' | 'paused';

/** How the domain stands, and on what that rests. */
export interface SendingHealth {
  readonly state: SendingState;
  /** Null while it is active. */
  readonly reason: 'complaints' | 'bounces' | null;
  /** Parts of one. */
  readonly complaintRate: number;
  readonly bounceRate: number;
}

/**
 * From here on a domain is slowed, or paused. Complaints: Google, "Email sender guidelines" (below 0.10 %, never 0.30 %).
 * Bounces: Amazon SES, "Reputation metrics" (best below 2 %, a review at 5 %).
 */
const LIMITS = {
  complaints: { slowed: 0.001, paused: 0.003 },
  bounces: { slowed: 0.02, paused: 0.05 },
} as const;

/**
 * Whether marketing may go out from a domain. A complaint counts against what was delivered, that is taken and not
 * bounced; a bounce against what was taken. Of less than `volumeMin` messages nothing follows: one complaint of ten says
 * little about the next thousand.
 *
 * @param volumeMin messages, 1 or more
 * @example judgeSending({ taken: 1_000, bounced: 0, complained: 3 }, 1_000).state === 'paused'
 * @throws AssertionError for counts that cannot be
 */
export function judgeSending({ taken, bounced, complained }: SendingCounts, volumeMin: number): SendingHealth {
  assert(volumeMin >= 1 && taken >= 0 && bounced >= 0 && complained >= 0, 'messages are counted from nought');
  const complaintRate = complained / Math.max(taken - bounced, 1);
  const bounceRate = bounced / Math.max(taken, 1);
  if (taken < volumeMin) return { state: 'active', reason: null, complaintRate, bounceRate };
  const byComplaints = stateAt(complaintRate, LIMITS.complaints);
  const byBounces = stateAt(bounceRate, LIMITS.bounces);
  const state = worse(byComplaints, byBounces);
  const reason = state === 'active' ? null : state === byComplaints ? 'complaints' : 'bounces';
  return { state, reason, complaintRate, bounceRate };
}

function stateAt(rate: number, { slowed, paused }: { readonly slowed: number; readonly paused: number }): SendingState {
  if (rate >= paused) return 'paused';
  return rate >= slowed ? 'slowed' : 'active';
}

function worse(left: SendingState, right: SendingState): SendingState {
  const states = ['paused', 'slowed', 'active'] as const;
  return states.find((state) => state === left || state === right) ?? 'active';
}
