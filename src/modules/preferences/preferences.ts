import { ALL } from '../../core/consent/consent-record.js';
import { foldConsent, isGrantValid, nextGrantAt } from '../../core/consent/fold-consent.js';
import { isObjecting } from '../../core/consent/objection.js';
import { PREFERABLE_CHANNELS, type PreferableChannel } from '../../core/content/content.js';
import type { Said, Statement } from '../consents/index.js';
import type { PersonSuppressions } from '../suppressions/index.js';
import { blocksOf, liftableOf, type Block } from './blocks.js';

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
  /** The box is ticked: permitted, and the person has not unsubscribed elsewhere from what was permitted. */
  readonly isAllowed: boolean;
  /** Consent holds, whatever blocks the message. */
  readonly isGranted: boolean;
  /** What keeps the messages away, also from a ticked box: the gravest first. */
  readonly blocks: readonly Block[];
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

/** What a page is made of beside what was sent to it. */
export interface Known {
  readonly said: Said;
  /** What the company sends, from its templates. */
  readonly offered: readonly Subject[];
  readonly standing: PersonSuppressions;
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
  /** Those of `preferable` on which not even a receipt comes. */
  readonly silent: readonly PreferableChannel[];
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
  /** Suppressions that the page told of as ending with a new tick. */
  readonly liftable: ReadonlySet<string>;
}

/** A choice as it is now, and what came back about it. */
interface Answer {
  readonly choice: Choice;
  readonly shown: Shown;
  readonly isTicked: boolean;
}

/** The words that a person saw when they chose; a change of the page's words is a new one. */
const TEXT_VERSION = 'preference-page-3';
const PROOF = { source: 'preference_page', textVersion: TEXT_VERSION, evidence: {} };

const EMAIL_MARKETING: Subject = { purpose: 'marketing', channel: 'email', brand: 'default' };

const keyOf = ({ purpose, channel, brand }: Subject): string => `${purpose} ${channel} ${brand}`;

/** What a person may choose about, and what holds now. */
export function toPreferences(known: Known, { preferred, channels }: Reach): Preferences {
  const chosen = toChoices(known);
  const reachable = new Set([...channels, preferred, ...chosen.choices.map(({ channel }) => channel)]);
  const preferable = PREFERABLE_CHANNELS.filter((channel) => reachable.has(channel));
  const isSilent = (channel: string): boolean =>
    blocksOf(known.standing, { purpose: null, channel, legalBasis: 'contract' }).length > 0;
  return { ...chosen, preferred, preferable, silent: preferable.filter(isSilent) };
}

function toChoices(known: Known): Pick<Preferences, 'choices' | 'isObjecting' | 'optedOut'> {
  const { records, now } = known.said;
  const named = records.filter(({ purpose, channel, brand }) => ![purpose, channel, brand].includes(ALL));
  const subjects = new Map([EMAIL_MARKETING, ...known.offered, ...named].map((subject) => [keyOf(subject), subject]));
  const choices = [...subjects]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, subject]) => toChoice(key, subject, known));
  const wide = records.filter(({ purpose, channel, brand }) => purpose !== ALL && channel === ALL && brand === ALL);
  const optedOut = [...new Set(wide.map(({ purpose }) => purpose))].sort();
  const isAnyGranted = choices.some(({ isGranted }) => isGranted);
  return { choices, isObjecting: !isAnyGranted && isObjecting({ consents: records, now }), optedOut };
}

function toChoice(key: string, { purpose, channel, brand }: Subject, { said, standing }: Known): Choice {
  const { records, now } = said;
  const last = foldConsent({ consents: records, purpose, channel, brand, now });
  const blocks = blocksOf(standing, { purpose, channel, legalBasis: 'consent' });
  const isGranted = isGrantValid(last, now);
  return {
    key,
    purpose,
    channel,
    brand,
    isAllowed: isGranted && liftableOf(blocks).length === 0,
    isGranted,
    blocks,
    isPending: last?.status === 'pending',
    isRefused: last?.status === 'withdrawn' || last?.status === 'denied',
    recordId: last?.id ?? null,
  };
}

/**
 * The statements that the person made by changing the form. The same form again makes none. A choice that the page does
 * not show (any more) is left alone, and so is one whose box is as the page showed it: a page that was loaded before
 * something else happened says nothing about that.
 *
 * An objection outweighs every tick. Without one, a box that was ticked permits, unless the person has refused or
 * unsubscribed since the page was loaded: then the page they saw was not the state they changed. A box that was cleared
 * withdraws what is permitted, about to be, or waits for its confirmation; so does a box that was left clear, if what
 * waits is what the page showed, or if it would be permitted again by what another tick undoes (`liftsOf`). Where nothing
 * was ever said, nothing is recorded.
 */
export function changesOf(known: Known, submission: Submission): readonly Statement[] {
  const current = toChoices(known);
  if (submission.isObjecting) {
    if (submission.wasObjecting || current.isObjecting) return [];
    return [{ ...PROOF, purpose: ALL, channel: ALL, brand: ALL, status: 'withdrawn', isObjection: true }];
  }
  const answers = current.choices.flatMap((choice): readonly Answer[] => {
    const shown = submission.shown.get(choice.key);
    return shown === undefined ? [] : [{ choice, shown, isTicked: submission.ticked.has(choice.key) }];
  });
  const granted = new Set(answers.filter((answer) => isGranting(answer, submission)));
  const lifted = new Set([...granted].flatMap(({ choice }) => liftableOf(choice.blocks)));
  return answers.flatMap((answer): readonly Statement[] => {
    const { purpose, channel, brand } = answer.choice;
    const status = granted.has(answer) ? 'granted' : isWithdrawing(answer, known.said, lifted) ? 'withdrawn' : null;
    return status === null ? [] : [{ ...PROOF, purpose, channel, brand, status }];
  });
}

/**
 * The suppressions that end because the person permitted these subjects by themselves: those that came of their own
 * unsubscribing, and no other.
 */
export function liftsOf(granted: readonly Subject[], standing: PersonSuppressions): readonly string[] {
  const ids = granted.flatMap(({ purpose, channel }) =>
    liftableOf(blocksOf(standing, { purpose, channel, legalBasis: 'consent' })),
  );
  return [...new Set(ids)];
}

function isGranting({ choice, shown, isTicked }: Answer, { liftable }: Submission): boolean {
  if (!isTicked || shown.isAllowed || choice.isAllowed) return false;
  const isAsShown = choice.recordId === shown.recordId;
  return (isAsShown || !choice.isRefused) && liftableOf(choice.blocks).every((id) => liftable.has(id));
}

function isWithdrawing(
  { choice, shown, isTicked }: Answer,
  { records, now }: Said,
  lifted: ReadonlySet<string>,
): boolean {
  if (isTicked) return false;
  const { purpose, channel, brand, isGranted, isPending, blocks } = choice;
  const isCleared = shown.isAllowed;
  if (!isCleared && choice.recordId !== shown.recordId) return false;
  const isFreed = liftableOf(blocks).some((id) => lifted.has(id));
  const isComing = nextGrantAt({ consents: records, purpose, channel, brand, now }) !== null;
  return isPending || isComing || (isGranted && (isCleared || isFreed));
}
