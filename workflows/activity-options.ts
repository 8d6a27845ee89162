import type { ActivityOptions } from '@temporalio/workflow';

/**
 * Every activity is repeated until it succeeds: a failure of the world heals, and a bug waits, visibly, for repaired
 * code. What a rule refuses is an answer, not a failure. Only an activity that knows that no repeat can ever help
 * throws one of these types; then the run is closed as failed (see the workflow).
 */
const NEVER_HEALS = ['InvalidRunError'];

const UNTIL_IT_SUCCEEDS: ActivityOptions['retry'] = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '1 minute',
  nonRetryableErrorTypes: NEVER_HEALS,
};

/** Decides, claims, sends and records: the send itself ends long before. */
export const RUN_STEP_OPTIONS: ActivityOptions = { startToCloseTimeout: '30 seconds', retry: UNTIL_IT_SUCCEEDS };

/** One short statement or a few. */
export const QUERY_OPTIONS: ActivityOptions = { startToCloseTimeout: '10 seconds', retry: UNTIL_IT_SUCCEEDS };

/** One call to somebody else's server, which the activity itself cuts off long before, or a few statements. */
export const ACT_OPTIONS: ActivityOptions = { startToCloseTimeout: '30 seconds', retry: UNTIL_IT_SUCCEEDS };

/** A page of runs, each of which may have to be replayed to answer; it tells at each run that it is alive. */
export const PAGE_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '30 seconds',
  retry: UNTIL_IT_SUCCEEDS,
};

/** A page of people who enter: one transaction, and before it a look at up to ten thousand of them. */
export const ENROL_PAGE_OPTIONS: ActivityOptions = { startToCloseTimeout: '30 seconds', retry: UNTIL_IT_SUCCEEDS };
