import type { DurationMs } from '../kernel/instant.js';

/**
 * What happens to a contact that meets a quiet window: it waits for the next opening, it is not made, or another
 * channel is tried first (and it waits when there is none).
 */
export type OnQuiet = 'defer' | 'drop' | 'switch_channel';

/**
 * Local times at which no message may reach a person: `[start, end)`, which may pass midnight. Whatever narrows a rule
 * to days (weekdays, dates, effective dates) is asked of the local day on which a window STARTS.
 */
export interface QuietRule {
  readonly id: string;
  readonly version: number;
  /** Who says so: the company, a law that applies where the person may be, or the journey itself. */
  readonly origin: 'policy' | 'law' | 'journey';
  /** Null: every channel. */
  readonly channels: readonly string[] | null;
  /** Null: every purpose (what rests on a contract passes all the same). */
  readonly purposes: readonly string[] | null;
  /** ISO 3166 codes, e.g. `US` or `US-FL`; a person anywhere in one of them is concerned. Null: everybody. */
  readonly jurisdictions: readonly string[] | null;
  /** ISO weekdays, 1 Monday to 7 Sunday. With `dates`: a day that is in either. Both null: every day. */
  readonly weekdays: readonly number[] | null;
  /** Local dates, `2027-12-25`, or every year `12-25`. */
  readonly dates: readonly string[] | null;
  /** Minutes of the local day, 0-1439. Equal ends mean 24 hours on the clock, from start to start. */
  readonly startMinute: number;
  readonly endMinute: number;
  /** First local day whose window counts, `2027-01-01`; null: always did. */
  readonly effectiveFrom: string | null;
  /** First local day whose window no longer counts; null: no end is known. */
  readonly effectiveUntil: string | null;
  readonly onHit: OnQuiet;
  /** How long this rule may hold a message, from the instant it was ready; null: as long as it takes. */
  readonly ttlMs: DurationMs | null;
  /** Where the rule comes from, e.g. a citation of the law. */
  readonly source: string | null;
}

type Everyday = Pick<QuietRule, 'id' | 'version' | 'origin' | 'channels' | 'startMinute' | 'endMinute'>;

/** A rule for everybody, every day, for as long as it is in force, that makes contacts wait. */
export const everydayRule = (window: Everyday): QuietRule => ({
  ...window,
  purposes: null,
  jurisdictions: null,
  weekdays: null,
  dates: null,
  effectiveFrom: null,
  effectiveUntil: null,
  onHit: 'defer',
  ttlMs: null,
  source: null,
});
