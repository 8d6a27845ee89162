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
  /** First day of the law, in ISO 8601; it begins at 00:00 UTC. */
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

/** Of a grant, what tells which laws may end it. */
interface LawQuestion {
  readonly basis: ConsentBasis;
  /** ISO 3166, with or without a subdivision: `CA-QC` is in Canada, `US-CA` is not. */
  readonly jurisdiction: string | null;
}

/** The kinds of evidence that the law of a place knows for a basis; none where no law that we know limits it. */
export function evidenceKindsOf(question: LawQuestion): readonly string[] {
  return rulesOf(question).map(({ evidenceKind }) => evidenceKind);
}

/**
 * The latest instant at which a grant may end by law. Of several laws that may apply the one that ends it first counts:
 * evidence of a kind that the law does not know, or of none, may be of any, so it is given the shortest time.
 *
 * A law ends nothing before it is in force; what was implied before that ends on its first day at the earliest.
 *
 * @param question.evidenceKind e.g. `purchase`, exactly so; null when the evidence does not say
 * @param question.statedAt of the purchase or inquiry, from which the law counts
 * @returns null when no rule limits it
 */
export function expiryOf(
  question: LawQuestion & { readonly evidenceKind: string | null; readonly statedAt: InstantMs },
): LegalExpiry | null {
  const rules = rulesOf(question);
  const ofKind = rules.filter(({ evidenceKind }) => evidenceKind === question.evidenceKind);
  const [first] = (ofKind.length === 0 ? rules : ofKind)
    .map((rule) => ({ rule, expiresAt: endBy(rule, question.statedAt) }))
    .sort((left, right) => left.expiresAt - right.expiresAt);
  return first ?? null;
}

function rulesOf({ basis, jurisdiction }: LawQuestion): readonly ExpiryRule[] {
  const country = jurisdiction?.toUpperCase().split('-')[0];
  return EXPIRY_RULES.filter((rule) => rule.basis === basis && rule.country === country);
}

function endBy({ months, inForceFrom }: ExpiryRule, statedAt: InstantMs): InstantMs {
  return Math.max(addMonthsUtc(statedAt, months), Date.parse(inForceFrom));
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
