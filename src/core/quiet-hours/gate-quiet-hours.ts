import { MINUTE_MS, type DurationMs, type InstantMs } from '../kernel/instant.js';
import type { LegalBasis } from '../kernel/legal-basis.js';
import { stableFraction } from '../kernel/stable-hash.js';
import {
  findQuiet,
  nextAllowedInstant,
  nextQuietInstant,
  type QuietHit,
  type QuietQuestion,
} from './next-allowed-instant.js';

const JITTER_MAX_MS: DurationMs = 10 * MINUTE_MS;
const JITTER_SHARE_MAX = 0.1;
/** A longer opening changes nothing: a tenth of it is more than the largest jitter. */
const OPENING_CONSIDERED_MS: DurationMs = JITTER_MAX_MS / JITTER_SHARE_MAX;

/**
 * Whether it is a quiet hour for the person, and what follows. Whatever is not `pass` names the strictest rule that
 * makes this instant quiet, and the zone whose clock says so.
 */
export type QuietVerdict =
  | { readonly kind: 'pass' }
  | (QuietHit & { readonly kind: 'refuse'; readonly reason: 'NO_ALLOWED_TIME' })
  | (QuietHit & {
      readonly kind: 'refuse';
      readonly reason: 'EXPIRED';
      readonly opening: InstantMs;
      /** From here on the message makes no sense any more: at or before the opening. */
      readonly expiresAt: InstantMs;
    })
  | (QuietHit & {
      /** The rule wants the message dropped. */
      readonly kind: 'refuse';
      readonly reason: 'QUIET_HOURS';
      /** First instant at which it would have passed; null when there is none within eight days. */
      readonly opening: InstantMs | null;
    })
  | (QuietHit & {
      readonly kind: 'defer';
      readonly reason: 'QUIET_HOURS';
      /** First allowed instant. */
      readonly opening: InstantMs;
      /** Added to the opening so that not everybody is written to in its first second. */
      readonly jitterMs: DurationMs;
      /** Wait, or try another channel before waiting. */
      readonly onHit: 'defer' | 'switch_channel';
    });

/** One contact, as far as quiet hours are concerned with it. */
export interface QuietHoursQuestion extends Omit<QuietQuestion, 'at'> {
  readonly legalBasis: LegalBasis;
  readonly userId: string;
  readonly now: InstantMs;
  /** Since when the message could have gone out: what a time to live counts from. */
  readonly readyAt: InstantMs;
  /** How long after it was ready the message still makes sense; null: as long as it takes. */
  readonly ttlMs: DurationMs | null;
}

/**
 * May a message reach this person at `now`? What rests on a contract may always; anything else waits for the first
 * instant that every rule which concerns it allows in every zone of the person (and, for the law of a place where none of
 * these is the time, in every zone of the place), unless a rule wants it dropped, there is no such instant, or the instant comes too late: at or after the end of the message's own time to live or that of
 * a rule that holds it until then.
 *
 * The jitter is a pure function of user and opening, at most 10 minutes, a tenth of the opening and the time left to
 * live, so a replay or a restart finds the same instant, and the message still falls into the opening.
 *
 * @throws AssertionError if there is no zone or an unknown one (the caller resolves zones, doubt never means no rule),
 *   or if a rule cannot be read
 */
export function gateQuietHours(question: QuietHoursQuestion): QuietVerdict {
  if (question.legalBasis === 'contract' || question.rules.length === 0) return { kind: 'pass' };
  const { rules, zones, placesElsewhere = [], channel, purpose, jurisdictions, now } = question;
  const asked: QuietQuestion = { rules, zones, placesElsewhere, channel, purpose, jurisdictions, at: now };
  const hit = findQuiet(asked);
  if (hit === null) return { kind: 'pass' };
  const opening = nextAllowedInstant(asked);
  const { onHit } = hit.rule;
  if (onHit === 'drop') return { kind: 'refuse', reason: 'QUIET_HOURS', ...hit, opening };
  if (opening === null) return { kind: 'refuse', reason: 'NO_ALLOWED_TIME', ...hit };
  const expiresAt = question.readyAt + timeToLiveMs(question, asked, opening);
  if (opening >= expiresAt) return { kind: 'refuse', reason: 'EXPIRED', ...hit, opening, expiresAt };
  const jitterMs = jitter({ asked, opening, expiresAt, userId: question.userId });
  return { kind: 'defer', reason: 'QUIET_HOURS', ...hit, opening, jitterMs, onHit };
}

/** Of the message and of every rule that holds it on its way to the opening, also of one whose window begins later. */
function timeToLiveMs(question: QuietHoursQuestion, asked: QuietQuestion, opening: InstantMs): DurationMs {
  let ttlMs = question.ttlMs ?? Number.POSITIVE_INFINITY;
  const withinMs = opening - question.now;
  for (const rule of question.rules) {
    if (rule.ttlMs === null || rule.ttlMs >= ttlMs) continue;
    if (nextQuietInstant({ ...asked, rules: [rule], withinMs }) < opening) ttlMs = rule.ttlMs;
  }
  return ttlMs;
}

interface JitterQuestion {
  readonly asked: QuietQuestion;
  readonly opening: InstantMs;
  readonly expiresAt: InstantMs;
  readonly userId: string;
}

function jitter({ asked, opening, expiresAt, userId }: JitterQuestion): DurationMs {
  const closing = nextQuietInstant({ ...asked, at: opening, withinMs: OPENING_CONSIDERED_MS });
  const jitterMaxMs = Math.min(JITTER_MAX_MS, (closing - opening) * JITTER_SHARE_MAX, expiresAt - opening);
  return Math.floor(stableFraction(`${opening}:${userId}`) * jitterMaxMs);
}
