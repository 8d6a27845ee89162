/**
 * How long a push service may hold a message for a device that is not reached: what was allowed at its hour must not ring
 * at another. Left to themselves the services would keep it for up to four weeks.
 */
export const PUSH_TTL_S = 4 * 3_600;
