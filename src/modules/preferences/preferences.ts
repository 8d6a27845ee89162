import { ALL } from '../../core/consent/consent-record.js';
import { foldConsent, isGrantValid, nextGrantAt } from '../../core/consent/fold-consent.js';
import { isObjecting } from '../../core/consent/objection.js';
import type { Said, Statement } from '../consents/index.js';

/** Something that a person may permit or refuse by itself. */
export interface Subject {
  readonly purpose: string;
  readonly channel: string;
  readonly brand: string;
}

/** One choice as the page shows it. */
export interface Choice extends Subject {
  /** Names the choice in the form. */
  readonly key: string;
  readonly isAllowed: boolean;
  /** Asked, and not confirmed yet. */
  readonly isPending: boolean;
}

/** All that the page shows. */
export interface Preferences {
  readonly choices: readonly Choice[];
  /** Objects to direct marketing as a whole. */
  readonly isObjecting: boolean;
  /** Purposes that are refused on every channel, e.g. by a signal of the browser: told, and not to be changed here. */
  readonly optedOut: readonly string[];
}

/** What came back from the form. */
export interface Submission {
  /** Choices that the page showed: about anything else nothing was said. */
  readonly shown: ReadonlySet<string>;
  /** Those of them that are ticked. */
  readonly ticked: ReadonlySet<string>;
  readonly isObjecting: boolean;
}

/** The words that a person saw when they chose; a change of the page's words is a new one. */
const TEXT_VERSION = 'preference-page-1';
const SOURCE = 'preference_page';

const EMAIL_MARKETING: Subject = { purpose: 'marketing', channel: 'email', brand: 'default' };

const keyOf = ({ purpose, channel, brand }: Subject): string => `${purpose} ${channel} ${brand}`;

/**
 * What a person may choose about, and what holds now.
 *
 * @param offered what the company sends beside that, from its templates
 */
export function toPreferences({ records, now }: Said, offered: readonly Subject[]): Preferences {
  const named = records.filter(({ purpose, channel, brand }) => ![purpose, channel, brand].includes(ALL));
  const subjects = new Map([EMAIL_MARKETING, ...offered, ...named].map((subject) => [keyOf(subject), subject]));
  const choices = [...subjects]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, subject]): Choice => {
      const { purpose, channel, brand } = subject;
      const last = foldConsent({ consents: records, purpose, channel, brand, now });
      return {
        key,
        purpose,
        channel,
        brand,
        isAllowed: isGrantValid(last, now),
        isPending: last?.status === 'pending',
      };
    });
  const wide = records.filter(({ purpose, channel, brand }) => purpose !== ALL && channel === ALL && brand === ALL);
  const optedOut = [...new Set(wide.map(({ purpose }) => purpose))].sort();
  return { choices, isObjecting: isObjecting({ consents: records, now }), optedOut };
}

/**
 * The statements that bring what was said to what the form says now. The same form again makes none. A choice that the
 * page does not show (any more) is left alone.
 *
 * An objection outweighs every tick. Without one, a tick permits, and a choice that is not ticked (any more) withdraws
 * what was permitted, is about to be, or waits for its confirmation; where nothing was ever said, nothing is recorded.
 */
export function changesOf(said: Said, offered: readonly Subject[], submission: Submission): readonly Statement[] {
  const { records, now } = said;
  const proof = { source: SOURCE, textVersion: TEXT_VERSION, evidence: {} };
  if (submission.isObjecting) {
    if (isObjecting({ consents: records, now })) return [];
    const everything = { purpose: ALL, channel: ALL, brand: ALL };
    return [{ ...proof, ...everything, status: 'withdrawn', isObjection: true }];
  }
  return toPreferences(said, offered).choices.flatMap((choice): readonly Statement[] => {
    const { key, purpose, channel, brand, isAllowed, isPending } = choice;
    if (!submission.shown.has(key)) return [];
    if (submission.ticked.has(key)) return isAllowed ? [] : [{ ...proof, purpose, channel, brand, status: 'granted' }];
    const isComing = nextGrantAt({ consents: records, purpose, channel, brand, now }) !== null;
    return isAllowed || isPending || isComing ? [{ ...proof, purpose, channel, brand, status: 'withdrawn' }] : [];
  });
}
