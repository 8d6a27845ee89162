import type { InstantMs } from '../kernel/instant.js';
import type { ConsentBasis } from './consent-record.js';

/** How long one kind of implied consent lasts under one law. */
interface ExpiryRule {
  readonly id: string;
  readonly basis: ConsentBasis;
  /** ISO 3166-1; the law holds in every subdivision. */
  readonly country: string;
  /** What happened between the person and the company, from which consent is implied. */
  readonly evidenceKind: string;
  readonly months: number;
  /** First day of the law, in ISO 8601. Nothing was implied by it before. */
  readonly inForceFrom: string;
  readonly source: string;
}

/** Engineering data and no legal advice; looked up in November 2026. A law that changes is a new row with a new id. */
const EXPIRY_RULES: readonly ExpiryRule[] = [
  {
    id: 'ca-casl-purchase',
    basis: 'implied',
    country: 'CA',
    evidenceKind: 'purchase',
    months: 24,
    inForceFrom: '2014-07-01',
    source: 'Canada, S.C. 2010, c. 23 (CASL), s. 10 (9) (a) with 10 (10) (a): two years after a purchase',
  },
  {
    id: 'ca-casl-inquiry',
    basis: 'implied',
    country: 'CA',
    evidenceKind: 'inquiry',
    months: 6,
    inForceFrom: '2014-07-01',
    source: 'Canada, S.C. 2010, c. 23 (CASL), s. 10 (9) (a) with 10 (10) (e): six months after an inquiry',
  },
];

/** When a grant ends by law, and by which rule. */
export interface LegalExpiry {
  readonly rule: ExpiryRule;
  readonly expiresAt: InstantMs;
}

/**
 * The latest instant at which a grant may end by law.
 *
 * @param question.jurisdiction ISO 3166, with or without a subdivision: `CA-QC` is in Canada, `US-CA` is not
 * @param question.evidenceKind e.g. `purchase`; null when the evidence does not say
 * @param question.statedAt of the purchase or inquiry, from which the law counts
 * @returns null when no rule limits it
 */
export function expiryOf(question: {
  readonly basis: ConsentBasis;
  readonly jurisdiction: string | null;
  readonly evidenceKind: string | null;
  readonly statedAt: InstantMs;
}): LegalExpiry | null {
  const country = question.jurisdiction?.split('-')[0];
  const rule = EXPIRY_RULES.find(
    (candidate) =>
      candidate.basis === question.basis &&
      candidate.country === country &&
      candidate.evidenceKind === question.evidenceKind,
  );
  return rule === undefined ? null : { rule, expiresAt: addMonthsUtc(question.statedAt, rule.months) };
}

/**
 * The same day of the month and time of day in UTC, `months` calendar months later; the last day of a month that is too
 * short: 31 August and six months is 28 or 29 February.
 */
export function addMonthsUtc(at: InstantMs, months: number): InstantMs {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  date.setUTCFullYear(year, month, Math.min(date.getUTCDate(), lastDay));
  return date.getTime();
}
