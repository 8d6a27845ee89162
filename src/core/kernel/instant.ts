/** Milliseconds since 1970-01-01T00:00:00Z. The core is handed instants; it never reads a clock. */
export type InstantMs = number;

/** Elapsed milliseconds; never calendar time. */
export type DurationMs = number;

/** Milliseconds in a second; the constants after it build on each other. */
export const SECOND_MS: DurationMs = 1_000;
export const MINUTE_MS: DurationMs = 60 * SECOND_MS;
export const HOUR_MS: DurationMs = 60 * MINUTE_MS;
export const DAY_MS: DurationMs = 24 * HOUR_MS;
