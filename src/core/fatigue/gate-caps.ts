import { assert, unreachable } from '../kernel/assert.js';
import { DAY_MS, type InstantMs } from '../kernel/instant.js';
import type { LegalBasis } from '../kernel/legal-basis.js';
import { localDay, nextLocalDay } from '../kernel/zone.js';
import type { CapRule, CapScope, Contact } from './cap-rule.js';

/** No local calendar day reaches further back than this, not even one whose zone changed by a whole day. */
const LOCAL_DAY_REACH_MS = 3 * DAY_MS;

/** Whether one more contact stays within every limit. */
export type CapVerdict =
  | { readonly kind: 'pass'; readonly rulesAsked: number }
  | {
      /** `refuse` when the rule drops, or when it never frees. */
      readonly kind: 'refuse' | 'defer';
      readonly reason: 'CAP_REACHED';
      readonly rule: CapRule;
      /** Contacts that count under the rule now; in the zone that counts most. */
      readonly count: number;
      /** The latest contact that counts: the decision that took the last place. Null under a limit of 0. */
      readonly decisionId: string | null;
      /** First instant at which the rule has room, if nobody takes it; null when it never has. */
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

/**
 * Is there room for one more contact under every rule that concerns it?
 *
 * A rolling window is `(now - w, now]`: a contact exactly `w` old counts no more, one at `now` counts. A calendar day is
 * the person's local date, 23 to 25 h long when clocks change. A rule counts contacts of its own scope and purposes;
 * tags are those at the time of the contact. What rests on a contract passes and is not counted.
 *
 * Of several rules that fail the strictest is named: one that drops before one that defers, then the one that frees
 * last, then the smaller limit, then the smaller id. So a deferral always ends when all the rules have room.
 *
 * @throws AssertionError if a limit is no whole number >= 0, or there is no zone or an unknown one
 */
export function gateCaps(question: CapQuestion): CapVerdict {
  if (question.legalBasis === 'contract') return { kind: 'pass', rulesAsked: 0 };
  const rules = question.rules.filter((rule) => concerns(rule, question));
  const failures = rules.flatMap((rule) => failureOf(rule, question) ?? []);
  const [strictest] = failures.sort(compareStrictness);
  if (strictest === undefined) return { kind: 'pass', rulesAsked: rules.length };
  const isDeferred = strictest.rule.onHit === 'defer' && strictest.until !== null;
  return { kind: isDeferred ? 'defer' : 'refuse', reason: 'CAP_REACHED', ...strictest };
}

/** What a scope looks at, alike in the contact that is thought of and in those of the ledger. */
type Scoped = Pick<Contact, 'channel' | 'purpose' | 'journeyKey' | 'tags' | 'group'>;

function concerns(rule: CapRule, contact: Scoped): boolean {
  return rule.purposes.includes(contact.purpose) && isInScope(rule.scope, contact);
}

function isInScope(scope: CapScope, contact: Scoped): boolean {
  switch (scope.kind) {
    case 'global':
      return true;
    case 'channel':
      return contact.channel === scope.channel;
    case 'journey':
      return contact.journeyKey === scope.journeyKey;
    case 'tag':
      return contact.tags.includes(scope.tag);
    case 'group':
      return contact.group === scope.group;
    default:
      return unreachable(scope);
  }
}

function failureOf(rule: CapRule, question: CapQuestion): Failure | null {
  const { now, zones } = question;
  assert(Number.isInteger(rule.limit) && rule.limit >= 0, `limit of ${rule.id} is no count: ${rule.limit}`);
  assert(zones.length > 0, 'a person is in at least one zone');
  const concerned = question.contacts.filter(
    (contact) => concerns(rule, contact) && contact.at <= now && !rule.givesBackOn.includes(contact.state),
  );
  switch (rule.window.kind) {
    case 'min_gap':
    case 'rolling': {
      const { durationMs } = rule.window;
      const counted = oldestFirst(concerned.filter((contact) => contact.at > now - durationMs));
      // The limit has room again when the oldest contacts above `limit - 1` have left the window.
      const leaving = counted[counted.length - rule.limit];
      return failure({ rule, counted, until: leaving === undefined ? null : leaving.at + durationMs });
    }
    case 'calendar': {
      const failures = zones.flatMap((zone) => {
        const counted = oldestFirst(sameDay(zone, now, concerned));
        return failure({ rule, counted, until: rule.limit === 0 ? null : nextLocalDay(zone, now) }) ?? [];
      });
      return latestOf(failures);
    }
    default:
      return unreachable(rule.window);
  }
}

function failure(input: {
  readonly rule: CapRule;
  readonly counted: readonly Contact[];
  readonly until: InstantMs | null;
}): Failure | null {
  const { rule, counted, until } = input;
  if (counted.length < rule.limit) return null;
  return { rule, count: counted.length, decisionId: counted.at(-1)?.decisionId ?? null, until };
}

/** Of one rule in several zones: the rule has room when the last zone has; the count is the largest of any zone. */
function latestOf(failures: readonly Failure[]): Failure | null {
  const [first, ...others] = failures;
  if (first === undefined) return null;
  return others.reduce((left, right) => {
    const fuller = right.count > left.count ? right : left;
    return { ...fuller, until: freesAt(right) > freesAt(left) ? right.until : left.until };
  }, first);
}

function sameDay(zone: string, now: InstantMs, contacts: readonly Contact[]): readonly Contact[] {
  const today = localDay(zone, now);
  return contacts.filter(({ at }) => at > now - LOCAL_DAY_REACH_MS && localDay(zone, at) === today);
}

function oldestFirst(contacts: readonly Contact[]): readonly Contact[] {
  return [...contacts].sort((left, right) => left.at - right.at || (left.decisionId < right.decisionId ? -1 : 1));
}

function compareStrictness(left: Failure, right: Failure): number {
  if (left.rule.onHit !== right.rule.onHit) return left.rule.onHit === 'drop' ? -1 : 1;
  if (freesAt(left) !== freesAt(right)) return freesAt(left) > freesAt(right) ? -1 : 1;
  if (left.rule.limit !== right.rule.limit) return left.rule.limit - right.rule.limit;
  return left.rule.id < right.rule.id ? -1 : 1;
}

function freesAt(failed: Failure): number {
  return failed.until ?? Number.POSITIVE_INFINITY;
}
