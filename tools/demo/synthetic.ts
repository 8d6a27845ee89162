import { createHash } from 'node:crypto';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** One zone for each region, on six continents; several have summer time, one has a half hour. */
export const ZONE_OF_REGION: Readonly<Record<number, string>> = {
  1: 'Europe/Istanbul',
  2: 'Europe/London',
  3: 'America/New_York',
  4: 'America/Los_Angeles',
  5: 'Asia/Kolkata',
  6: 'Asia/Tokyo',
  7: 'Australia/Sydney',
  8: 'Africa/Lagos',
  9: 'America/Sao_Paulo',
};

/** What a person has said about marketing by e-mail. */
export type ConsentStory = 'granted' | 'never_asked' | 'withdrawn' | 'denied' | 'expired';

/** Shares of the consent stories; they add up to 1. */
export const CONSENT_SHARES: readonly (readonly [ConsentStory, number])[] = [
  ['granted', 0.7],
  ['never_asked', 0.14],
  ['withdrawn', 0.08],
  ['denied', 0.05],
  ['expired', 0.03],
];

/** Sessions ended within this time before the import. */
const SESSION_AGE_MS_MAX = 28 * DAY_MS;
const LATER_PURCHASE_SHARE = 0.2;
const LATER_PURCHASE_MS_MIN = HOUR_MS;
const LATER_PURCHASE_MS_MAX = 49 * HOUR_MS;

/** What the data set does not tell and the demo makes up. */
export interface SyntheticFacts {
  /** How long before the import the session ended. */
  readonly sessionAgeMs: number;
  readonly consent: ConsentStory;
  /** How long after enrolment the person buys after all; null for most. */
  readonly buysAfterMs: number | null;
}

/**
 * A number in [0, 1) that depends on nothing but its three arguments: the same on every machine and in every order.
 *
 * @param topic what the number decides, so that two decisions about one session are independent
 */
export function fraction(seed: number, topic: string, session: number): number {
  const digest = createHash('sha256').update(`${seed}:${topic}:${session}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

/** Makes up what is missing about one session, by the rules that `describeRules` prints. */
export function inventFacts(seed: number, session: number): SyntheticFacts {
  const buys = fraction(seed, 'buys-later', session) < LATER_PURCHASE_SHARE;
  const when = fraction(seed, 'buys-when', session);
  return {
    sessionAgeMs: Math.floor(fraction(seed, 'age', session) * SESSION_AGE_MS_MAX),
    consent: consentOf(fraction(seed, 'consent', session)),
    buysAfterMs: buys
      ? Math.floor(LATER_PURCHASE_MS_MIN + when * (LATER_PURCHASE_MS_MAX - LATER_PURCHASE_MS_MIN))
      : null,
  };
}

/** The rules in words, for everybody who reads the figures of the demo. */
export function describeRules(seed: number): readonly string[] {
  const shares = CONSENT_SHARES.map(([story, share]) => `${story.replace('_', ' ')} ${percent(share)}`).join(', ');
  return [
    `Real: pages, durations, rates, visitor type, month, region number and purchase of each session (UCI 468).`,
    `SYNTHETIC, made by a rule from seed ${seed} because the data set does not hold it:`,
    `  time zone       one for each region number, e.g. region 1 is ${ZONE_OF_REGION[1]}, region 6 is ${ZONE_OF_REGION[6]}`,
    `  clock time      a session ended 0 to ${SESSION_AGE_MS_MAX / DAY_MS} days before the import`,
    `  address         shopper-<seed>-<session>@shop.example, a domain that can receive no mail`,
    `  consent         ${shares}`,
    `  later purchase  ${percent(LATER_PURCHASE_SHARE)} of those enrolled, ${LATER_PURCHASE_MS_MIN / HOUR_MS} to ${LATER_PURCHASE_MS_MAX / HOUR_MS} hours after entry, contacted or not:`,
    `                  so nothing here says anything about what messages achieve`,
  ];
}

function consentOf(at: number): ConsentStory {
  let sum = 0;
  for (const [story, share] of CONSENT_SHARES) {
    sum += share;
    if (at < sum) return story;
  }
  return 'granted';
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
