import { unreachable } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import { ALL, type ConsentBasis, type ConsentRecord, type ConsentStatus } from './consent-record.js';

/** Among records of one instant the most restrictive wins: a doubt is never a permission. */
const RESTRICTION: Readonly<Record<ConsentStatus, number>> = { granted: 0, pending: 1, denied: 2, withdrawn: 3 };

/**
 * Which statements are asked about. A statement about another brand, channel or purpose says nothing here; one about
 * `ALL` of them does. To ask about `ALL` itself finds the statements that were made about all, and no other.
 */
export interface ConsentQuestion {
  readonly consents: readonly ConsentRecord[];
  readonly purpose: string;
  readonly channel: string;
  readonly brand: string;
  readonly now: InstantMs;
}

/**
 * The record that decides about a message that needs consent.
 *
 * Records are ordered by min(stated, received), then by restriction, then by id (code units): the earlier of the two
 * instants, so that neither a late arrival nor a date in the future lets an old statement undo a newer one. A grant
 * stated or received after `now` does not count yet; every other status counts at once, whatever its date: what was
 * received is known, and the future may take a permission away, never give one. A narrow statement does not outrank a
 * wide one: who objected to everything and later grants one purpose on one channel has lifted the objection there, and
 * who granted first and objected later has not.
 *
 * The last record that is no grant ends every grant before it. Of the grants after it any that holds permits: one that
 * the person stated decides before one that the law implies, then the one that lasts longest. Where none holds, the
 * grant that ended last decides, and without any grant the record that ended them.
 *
 * Once a person has withdrawn, denied or objected, only their own word (basis `consent`) permits again: what the law
 * implies, or a sale, counts for nobody who ever said no. The rules do not say how long a refusal outlives a later
 * grant; this takes the safe side, for good. A `contract` is no permission for anything that needs consent.
 *
 * @returns null when no record counts; the same for every order of `consents`
 */
export function foldConsent(question: ConsentQuestion): ConsentRecord | null {
  const { consents, now } = question;
  const counting = consents.filter((record) => isAbout(record, question) && effectiveFrom(record) <= now);
  const ending = last(
    counting.filter(({ status }) => status !== 'granted'),
    comparePrecedence,
  );
  const hasRefused = counting.some(({ status }) => status === 'withdrawn' || status === 'denied');
  const grants = counting.filter(
    (record) =>
      record.status === 'granted' &&
      isEnough(record.basis, hasRefused) &&
      (ending === null || comparePrecedence(record, ending) > 0),
  );
  return last(grants, (left, right) => compareGrants(left, right, now)) ?? ending;
}

/**
 * When the earliest grant that does not count yet begins to count, if a grant would then decide.
 *
 * @returns null when no dated grant would change the state by itself
 */
export function nextGrantAt(question: ConsentQuestion): InstantMs | null {
  const coming = question.consents
    .filter((record) => isAbout(record, question) && effectiveFrom(record) > question.now)
    .map(effectiveFrom)
    .sort((left, right) => left - right);
  return coming.find((now) => isGrantValid(foldConsent({ ...question, now }), now)) ?? null;
}

/** Whether this record, being the one that decides, permits at `now`. */
export function isGrantValid(record: ConsentRecord | null, now: InstantMs): boolean {
  return record?.status === 'granted' && (record.expiresAt === null || now < record.expiresAt);
}

function isAbout(record: ConsentRecord, question: ConsentQuestion): boolean {
  return (
    covers(record.purpose, question.purpose) &&
    covers(record.channel, question.channel) &&
    covers(record.brand, question.brand)
  );
}

const covers = (stated: string, asked: string): boolean => stated === asked || stated === ALL;

/** A grant counts from the later of its two instants, so as not to be used before it was given. */
function effectiveFrom(record: ConsentRecord): InstantMs {
  return record.status === 'granted' ? Math.max(record.statedAt, record.receivedAt) : Number.NEGATIVE_INFINITY;
}

/** Whether a grant on this basis may permit what needs consent. */
function isEnough(basis: ConsentBasis, hasRefused: boolean): boolean {
  switch (basis) {
    case 'consent':
      return true;
    case 'soft_opt_in':
    case 'implied':
    case 'legitimate_interest':
      return !hasRefused;
    case 'contract':
      return false;
    default:
      return unreachable(basis);
  }
}

/** Which of two grants decides: one that holds and is express, then the one that ends later, which is the one that holds. */
function compareGrants(left: ConsentRecord, right: ConsentRecord, now: InstantMs): number {
  const rankOf = (record: ConsentRecord): readonly number[] => [
    Number(record.basis === 'consent' && isGrantValid(record, now)),
    record.expiresAt ?? Number.POSITIVE_INFINITY,
  ];
  const [leftRank, rightRank] = [rankOf(left), rankOf(right)];
  const place = leftRank.findIndex((value, index) => value !== rightRank[index]);
  if (place === -1) return comparePrecedence(left, right);
  return (leftRank[place] ?? 0) > (rightRank[place] ?? 0) ? 1 : -1;
}

function last(
  records: readonly ConsentRecord[],
  compare: (left: ConsentRecord, right: ConsentRecord) => number,
): ConsentRecord | null {
  let found: ConsentRecord | null = null;
  for (const record of records) if (found === null || compare(record, found) > 0) found = record;
  return found;
}

function comparePrecedence(left: ConsentRecord, right: ConsentRecord): number {
  const byInstant = orderedAt(left) - orderedAt(right);
  if (byInstant !== 0) return byInstant;
  const byStatus = RESTRICTION[left.status] - RESTRICTION[right.status];
  if (byStatus !== 0) return byStatus;
  if (left.id === right.id) return 0;
  return left.id > right.id ? 1 : -1;
}

function orderedAt(record: ConsentRecord): InstantMs {
  return Math.min(record.statedAt, record.receivedAt);
}
