import type { InstantMs } from '../kernel/instant.js';
import { ALL, type ConsentRecord, type ConsentStatus } from './consent-record.js';

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
 * The record that decides: the last by min(stated, received), then by restriction, then by id (code units).
 *
 * The earlier of the two instants orders a record, so that neither a late arrival nor a date in the future lets an old
 * statement undo a newer one. A grant stated or received after `now` does not count yet; every other status counts at
 * once, whatever its date: what was received is known, and the future may take a permission away, never give one.
 * A narrow statement does not outrank a wide one: who objected to everything and later grants one purpose on one channel
 * has lifted the objection there, and who granted first and objected later has not.
 *
 * @returns null when no record counts; the same for every order of `consents`
 */
export function foldConsent(question: ConsentQuestion): ConsentRecord | null {
  let last: ConsentRecord | null = null;
  for (const record of question.consents) {
    if (!isAbout(record, question) || effectiveFrom(record) > question.now) continue;
    if (last === null || comparePrecedence(record, last) > 0) last = record;
  }
  return last;
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

/** Whether this record, being the last, permits at `now`. */
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
