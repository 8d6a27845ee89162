import { MINUTE_MS, type DurationMs, type InstantMs } from '../kernel/instant.js';
import type { LegalBasis } from '../kernel/legal-basis.js';
import { stableFraction } from '../kernel/stable-hash.js';
import { findQuiet, nextAllowedInstant, nextQuietInstant, type QuietQuestion } from './next-allowed-instant.js';
import type { QuietRule } from './quiet-rule.js';

const JITTER_MAX_MS: DurationMs = 10 * MINUTE_MS;
const JITTER_SHARE_MAX = 0.1;
/** A longer opening changes nothing: a tenth of it is more than the largest jitter. */
const OPENING_CONSIDERED_MS: DurationMs = JITTER_MAX_MS / JITTER_SHARE_MAX;

/** Whether it is a quiet hour for the person, and until when. */
export type QuietVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'refuse'; readonly reason: 'NO_ALLOWED_TIME'; readonly rule: QuietRule; readonly zone: string }
  | {
      readonly kind: 'defer';
      readonly reason: 'QUIET_HOURS';
      readonly rule: QuietRule;
      readonly zone: string;
      /** First allowed instant. */
      readonly opening: InstantMs;
      /** Added to the opening so that not everybody is written to in its first second. */
      readonly jitterMs: DurationMs;
    };

/** One contact, as far as quiet hours are concerned with it. */
export interface QuietHoursQuestion {
  readonly rules: readonly QuietRule[];
  /** Every zone in which the person may be; an instant must be allowed in all of them. */
  readonly zones: readonly string[];
  readonly channel: string;
  readonly legalBasis: LegalBasis;
  readonly userId: string;
  readonly now: InstantMs;
}

/**
 * May a message reach this person at `now`? What rests on a contract may always; anything else waits for the first
 * instant that every rule of the channel allows in every zone of the person.
 *
 * The jitter is a pure function of user and opening, at most 10 minutes and a tenth of the opening, so a replay or a
 * restart finds the same instant, and the message still falls into the opening.
 *
 * @throws AssertionError if there is no zone or an unknown one: the caller resolves zones, doubt never means no rule
 */
export function gateQuietHours(question: QuietHoursQuestion): QuietVerdict {
  if (question.legalBasis === 'contract') return { kind: 'pass' };
  const rules = question.rules.filter((rule) => rule.channels?.includes(question.channel) ?? true);
  const asked: QuietQuestion = { rules, zones: question.zones, at: question.now };
  const hit = findQuiet(asked);
  if (hit === null) return { kind: 'pass' };
  const opening = nextAllowedInstant(asked);
  if (opening === null) return { kind: 'refuse', reason: 'NO_ALLOWED_TIME', ...hit };
  return { kind: 'defer', reason: 'QUIET_HOURS', ...hit, opening, jitterMs: jitter(asked, opening, question.userId) };
}

function jitter(asked: QuietQuestion, opening: InstantMs, userId: string): DurationMs {
  const closing = nextQuietInstant({ ...asked, at: opening, withinMs: OPENING_CONSIDERED_MS });
  const jitterMaxMs = Math.min(JITTER_MAX_MS, (closing - opening) * JITTER_SHARE_MAX);
  return Math.floor(stableFraction(`${opening}:${userId}`) * jitterMaxMs);
}
