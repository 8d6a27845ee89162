import type { Finding } from './account-checks.js';

/** What came of a check. */
export interface Checked extends Finding {
  /** Of the answer; null where none came, or there is none. */
  readonly status: number | null;
  /** What a refusal says, as it came. */
  readonly said: string | null;
}

/** Nobody said anything. */
export const UNCLEAR: Checked = { outcome: 'unclear', because: null, status: null, said: null };
