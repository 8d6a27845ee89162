import { assert, unreachable } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import type { LegalBasis } from '../kernel/legal-basis.js';
import { concerns, takesPlace } from './cap-scope.js';
import { windowsAt } from './cap-window.js';
import type { CapRule, Contact, OnCap } from './cap-rule.js';

/** Whether one more contact stays within every limit. */
export type CapVerdict =
  | { readonly kind: 'pass'; readonly rulesAsked: number }
  | {
      /** `defer` when the strictest rule makes contacts wait and there will be room; else `refuse`. */
      readonly kind: 'refuse' | 'defer';
      readonly reason: 'CAP_REACHED';
      /** The strictest of the rules that have no room. */
      readonly rule: CapRule;
      /** What that rule wants done with the contact. */
      readonly onHit: OnCap;
      /** Contacts that count under the rule now; in the zone that counts most. */
      readonly count: number;
      /** The latest contact that counts: the decision that took the last place. Null under a limit of 0. */
      readonly decisionId: string | null;
      /** First instant at which every rule has room, if nobody takes it; null when one of them never has. */
      readonly until: InstantMs | null;
    };

/** One contact that is thought of, and those that were made. */
export interface CapQuestion {
  readonly rules: readonly CapRule[];
  readonly contacts: readonly Contact[];
  /** Every zone in which the person may be; a calendar rule must hold in all of them. */
  readonly zones: readonly string[];
  readonly channel: string;
  readonly purpose: string;
  readonly legalBasis: LegalBasis;
  readonly journeyKey: string | null;
  readonly tags: readonly string[];
  /** The action's group; null when it is in none. */
  readonly group: string | null;
  readonly now: InstantMs;
}

interface Failure {
  readonly rule: CapRule;
  readonly count: number;
  readonly decisionId: string | null;
  readonly until: InstantMs | null;
}

const NO_RULE: CapVerdict = { kind: 'pass', rulesAsked: 0 };

/**
 * Is there room for one more contact under every rule that concerns it?
 *
 * A rolling window is `(now - w, now]`: a contact exactly `w` old counts no more, one at `now` counts; a minimum gap is
 * the same with a limit of one. A calendar window is the person's local day, week (from Monday) or month. A rule counts
 * contacts of its own scope and purposes, tags and group being those at the time of the contact; a contact in a state
 * of `givesBackOn` counts no more. What rests on a contract passes and is not counted.
 *
 * Of several rules without room the strictest is named: what drops or skips before what tries another channel before
 * what waits, then the rule that frees last, then the smaller limit, then the smaller id. So a deferral always ends
 * when all the rules have room.
 *
 * @throws AssertionError if a limit is no whole number >= 0 (1 for a gap), or there is no zone or an unknown one
 */
export function gateCaps(question: CapQuestion): CapVerdict {
  if (question.legalBasis === 'contract') return NO_RULE;
  const rules = question.rules.filter((rule) => concerns(rule, question));
  if (rules.length === 0) return NO_RULE;
  assert(question.zones.length > 0, 'a person is in at least one zone');
  const failures = rules.flatMap((rule) => failureOf(rule, question) ?? []);
  const [strictest] = failures.sort(compareStrictness);
  if (strictest === undefined) return { kind: 'pass', rulesAsked: rules.length };
  const { rule, count, decisionId } = strictest;
  const until = latest(failures);
  const kind = rule.onHit === 'defer' && until !== null ? 'defer' : 'refuse';
  return { kind, reason: 'CAP_REACHED', rule, onHit: rule.onHit, count, decisionId, until };
}

function failureOf(rule: CapRule, { zones, contacts, now }: CapQuestion): Failure | null {
  assertLimit(rule);
  const windows = windowsAt({ window: rule.window, zones, now });
  const earliest = Math.min(...windows.map(({ after }) => after));
  const counted = contacts.filter(
    (contact) => contact.at > earliest && contact.at <= now && takesPlace(rule, contact) && concerns(rule, contact),
  );
  if (counted.length < rule.limit) return null;
  counted.sort(oldestFirst);
  const failures = windows.flatMap(({ after, freesAt }): Failure[] => {
    const inside = counted.filter(({ at }) => at > after);
    if (inside.length < rule.limit) return [];
    // There is room again when the oldest contacts above `limit - 1` have left the window.
    const leaving = inside[inside.length - rule.limit];
    const decisionId = inside.at(-1)?.decisionId ?? null;
    return [{ rule, count: inside.length, decisionId, until: leaving === undefined ? null : freesAt(leaving.at) }];
  });
  return fullest(failures);
}

function assertLimit({ id, limit, window }: CapRule): void {
  assert(Number.isInteger(limit) && limit >= 0, `limit of ${id} is no count: ${limit}`);
  assert(window.kind !== 'min_gap' || limit === 1, `${id} is a gap, and its limit not 1 but ${limit}`);
}

/** Of one rule in several zones: the count is the largest of any zone; there is room when the last zone has it. */
function fullest(failures: readonly Failure[]): Failure | null {
  const [first, ...others] = failures;
  if (first === undefined) return null;
  const most = others.reduce((left, right) => (right.count > left.count ? right : left), first);
  return { ...most, until: latest(failures) };
}

function latest(failures: readonly Failure[]): InstantMs | null {
  const last = Math.max(...failures.map(freesAtOf));
  return Number.isFinite(last) ? last : null;
}

function freesAtOf({ until }: Failure): number {
  return until ?? Number.POSITIVE_INFINITY;
}

/** Of two contacts in one millisecond the one with the larger id, which was given later, is the later one. */
function oldestFirst(left: Contact, right: Contact): number {
  return left.at - right.at || (left.decisionId < right.decisionId ? -1 : 1);
}

function compareStrictness(left: Failure, right: Failure): number {
  const byOnHit = leniency(left.rule.onHit) - leniency(right.rule.onHit);
  if (byOnHit !== 0) return byOnHit;
  if (freesAtOf(left) !== freesAtOf(right)) return freesAtOf(left) > freesAtOf(right) ? -1 : 1;
  if (left.rule.limit !== right.rule.limit) return left.rule.limit - right.rule.limit;
  return left.rule.id < right.rule.id ? -1 : 1;
}

function leniency(onHit: OnCap): number {
  switch (onHit) {
    case 'drop':
    case 'skip':
      return 0;
    case 'degrade_channel':
      return 1;
    case 'defer':
      return 2;
    default:
      return unreachable(onHit);
  }
}
