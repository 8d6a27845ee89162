import { ALL } from '../../core/consent/consent-record.js';
import { foldConsent, isGrantValid, nextGrantAt } from '../../core/consent/fold-consent.js';
import { isObjecting } from '../../core/consent/objection.js';
import { PREFERABLE_CHANNELS, type PreferableChannel } from '../../core/content/content.js';
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
  readonly isRefused: boolean;
  /** The statement that decides; null where there is none. */
  readonly recordId: string | null;
}

/** Where a person can be reached, and would rather be. */
export interface Reach {
  readonly preferred: PreferableChannel | null;
  /** Those of the company's templates, and those on which we know how to reach the person; in no order. */
  readonly channels: readonly string[];
}

/** All that the page shows. */
export interface Preferences {
  readonly choices: readonly Choice[];
  /** Objects to direct marketing as a whole, and has permitted nothing on this page since. */
  readonly isObjecting: boolean;
  /** Purposes that are refused on every channel, e.g. by a signal of the browser: told, and not to be changed here. */
  readonly optedOut: readonly string[];
  /** Where the person would rather hear from the company; null: no preference. */
  readonly preferred: PreferableChannel | null;
  /** What the person may prefer; `preferred` is among them. */
  readonly preferable: readonly PreferableChannel[];
}

/** What the page showed as preferred, and what was marked there when it was sent. */
export interface Wish {
  readonly shown: PreferableChannel | null;
  readonly marked: PreferableChannel | null;
}

/** What the page showed of a choice when it was loaded, which may be long ago. */
export type Shown = Pick<Choice, 'isAllowed' | 'recordId'>;

/** What came back from the form. */
export interface Submission {
  /** Choices that the page showed, by key: about anything else nothing was said. */
  readonly shown: ReadonlyMap<string, Shown>;
  /** Those of them that are ticked. */
  readonly ticked: ReadonlySet<string>;
  /** The page showed the objection as ticked. */
  readonly wasObjecting: boolean;
  readonly isObjecting: boolean;
  /** Null: nothing was said of it. */
  readonly wish: Wish | null;
}

/** The words that a person saw when they chose; a change of the page's words is a new one. */
const TEXT_VERSION = 'preference-page-2';
const PROOF = { source: 'preference_page', textVersion: TEXT_VERSION, evidence: {} };

const EMAIL_MARKETING: Subject = { purpose: 'marketing', channel: 'email', brand: 'default' };

const keyOf = ({ purpose, channel, brand }: Subject): string => `${purpose} ${channel} ${brand}`;

/**
 * What a person may choose about, and what holds now.
 *
 * @param offered what the company sends beside that, from its templates
 */
export function toPreferences(said: Said, offered: readonly Subject[], { preferred, channels }: Reach): Preferences {
  const chosen = toChoices(said, offered);
  const known = new Set([...channels, preferred, ...chosen.choices.map(({ channel }) => channel)]);
  return { ...chosen, preferred, preferable: PREFERABLE_CHANNELS.filter((channel) => known.has(channel)) };
}

function toChoices(
  { records, now }: Said,
  offered: readonly Subject[],
): Pick<Preferences, 'choices' | 'isObjecting' | 'optedOut'> {
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
        isRefused: last?.status === 'withdrawn' || last?.status === 'denied',
        recordId: last?.id ?? null,
      };
    });
  const wide = records.filter(({ purpose, channel, brand }) => purpose !== ALL && channel === ALL && brand === ALL);
  const optedOut = [...new Set(wide.map(({ purpose }) => purpose))].sort();
  const isAnyAllowed = choices.some(({ isAllowed }) => isAllowed);
  return { choices, isObjecting: !isAnyAllowed && isObjecting({ consents: records, now }), optedOut };
}

/**
 * The statements that the person made by changing the form. The same form again makes none. A choice that the page does
 * not show (any more) is left alone, and so is one whose box is as the page showed it: a page that was loaded before
 * something else happened says nothing about that.
 *
 * An objection outweighs every tick. Without one, a box that was ticked permits, unless the person has refused since the
 * page was loaded: then the page they saw was not the state they changed. A box that was cleared withdraws what is
 * permitted, about to be, or waits for its confirmation; so does a box that was left clear, if what waits is what the
 * page showed. Where nothing was ever said, nothing is recorded.
 */
export function changesOf(said: Said, offered: readonly Subject[], submission: Submission): readonly Statement[] {
  const current = toChoices(said, offered);
  if (submission.isObjecting) {
    if (submission.wasObjecting || current.isObjecting) return [];
    return [{ ...PROOF, purpose: ALL, channel: ALL, brand: ALL, status: 'withdrawn', isObjection: true }];
  }
  return current.choices.flatMap((choice): readonly Statement[] => {
    const { key, purpose, channel, brand } = choice;
    const shown = submission.shown.get(key);
    if (shown === undefined) return [];
    const status = changeOf(choice, shown, submission.ticked.has(key), said);
    return status === null ? [] : [{ ...PROOF, purpose, channel, brand, status }];
  });
}

/** What a person said by leaving the box of one choice as it is. */
function changeOf(
  choice: Choice,
  shown: Shown,
  isTicked: boolean,
  { records, now }: Said,
): 'granted' | 'withdrawn' | null {
  const { purpose, channel, brand, isAllowed, isPending, isRefused } = choice;
  const isChanged = isTicked !== shown.isAllowed;
  const isAsShown = choice.recordId === shown.recordId;
  if (isTicked) return isChanged && !isAllowed && (isAsShown || !isRefused) ? 'granted' : null;
  if (!isChanged && !isAsShown) return null;
  const isComing = nextGrantAt({ consents: records, purpose, channel, brand, now }) !== null;
  return isAllowed || isPending || isComing ? 'withdrawn' : null;
}
