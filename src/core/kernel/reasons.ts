/**
 * Every reason code that the product can give for not contacting a person, for waiting, or for the end of a run.
 * One closed list: what is not here cannot be recorded. The text says the reason to a person who has never read the code.
 */
export const REASONS = {
  KILL_SWITCH: 'all sending is switched off',
  USER_UNKNOWN: 'the user does not exist',
  USER_ERASED: 'the user was erased',
  ADDRESS_MISSING: 'the user has no address on this channel',
  SUPPRESSED_HARD_BOUNCE: 'the address bounced for good',
  SUPPRESSED_COMPLAINT: 'the recipient complained about earlier messages',
  SUPPRESSED_STOP: 'the recipient asked for all messages to stop',
  SUPPRESSED_MANUAL: 'an operator suppressed the address or the user',
  SUPPRESSED_ERASURE: 'the address belongs to a person who was erased',
  SUPPRESSED_UNSUBSCRIBE: 'the address was unsubscribed',
  CONSENT_MISSING: 'there is no consent for this purpose and channel',
  CONSENT_PENDING: 'the consent is not confirmed yet',
  CONSENT_DENIED: 'the user denied consent',
  CONSENT_WITHDRAWN: 'the user withdrew consent',
  CONSENT_EXPIRED: 'the consent has expired',
  RUN_EXITED: 'the run has ended',
  RUN_PAUSED: 'the run is paused',
  NOTHING_ELIGIBLE: 'no action was open to this user',
  NOT_ELIGIBLE: 'the user does not meet the conditions of the action',
  ACTION_INACTIVE: 'the action is not active',
  TEMPLATE_MISSING: 'the message template does not exist',
  BELOW_THRESHOLD: 'no action was worth more than doing nothing',
  LOWER_PRIORITY: 'another action was worth more',
  QUIET_HOURS: 'it is a quiet hour for the recipient',
  NO_ALLOWED_TIME: 'no time is allowed within the next eight days',
  CAP_REACHED: 'a limit on contacts is reached',
  RENDER_FAILED: 'the message could not be rendered',
  PROVIDER_UNAVAILABLE: 'the provider cannot take the message now',
  PROVIDER_REJECTED: 'the provider refused the message',
  OUTCOME_UNKNOWN: 'nobody can say whether the message went out',
  CONTENDED: 'the facts kept changing while the decision was made',
  TOO_MANY_ASKS: 'the step was put off too often',
} as const;

/** One of the codes above. */
export type ReasonCode = keyof typeof REASONS;
