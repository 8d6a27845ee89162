/**
 * What an incoming text message asks for.
 * - `stop`: no more messages, from now on.
 * - `start`: messages again.
 * - `help`: who writes, and how to make it stop.
 * - `maybe_stop`: words of the person's own that seem to ask for an end; a person has to read them.
 */
export type Keyword = 'stop' | 'start' | 'help' | 'maybe_stop';

const STOP = new Set(['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT']);
const START = new Set(['START', 'YES', 'UNSTOP']);
const HELP = new Set(['HELP', 'INFO']);

/** Longest text that is looked at; what an operator hands over in one piece is at most 1,600 characters. */
const CHARACTERS_MAX = 4_000;

/** Words that ask for an end in whatever sentence they stand, in the languages of the countries with keyword rules. */
const SUSPECT_WORDS =
  /\b(STOP\w*|UNSUBSCRIB\w*|UNSUB|CANCEL\w*|QUIT\w*|REVOK\w*|OPT(ED|ING)? ?OUT|ARRET|ARRETEZ|BAJA|STOPP|ABMELDEN)\b/;
/** Phrases that ask for it without any of the words. */
const SUSPECT_PHRASES = [
  /\bEND\b.*\b(MESSAGES?|TEXTS?|TEXTING|SMS|THIS|THESE|IT)\b/,
  /\b(REMOVE|DELETE|TAKE) (ME|MY NUMBER)\b/,
  /\b(DO NOT|DON ?T|DONT|NEVER|QUIT|NO MORE|NO LONGER)\b.*\b(TEXT|TEXTS|TEXTING|MESSAGE|MESSAGES|MESSAGING|MSG|MSGS|SMS|CONTACT|CONTACTING|WRITE|SEND|SENDING|WANT)\b/,
  /\bLEAVE ME ALONE\b/,
  /\bWRONG (NUMBER|PERSON)\b/,
];

/**
 * Reads an incoming text message. One keyword alone counts, in any case, in full-width letters, with any space or
 * punctuation around it; a stop word also with space or punctuation within, as in `opt-out` or `STOP ALL`. A word that
 * gives permission must stand as it is: a doubt never grants.
 *
 * @returns null for everything else
 * @see 47 CFR 64.1200 (a) (10) for the words that revoke by text message, and for any other reasonable words
 */
export function readKeyword(text: string): Keyword | null {
  const words = plain(text.slice(0, CHARACTERS_MAX));
  if (STOP.has(words.replaceAll(' ', ''))) return 'stop';
  if (START.has(words)) return 'start';
  if (HELP.has(words)) return 'help';
  return SUSPECT_WORDS.test(words) || SUSPECT_PHRASES.some((phrase) => phrase.test(words)) ? 'maybe_stop' : null;
}

/**
 * Whether a `start` was said as YES: the answer to a question, which may have been any question. The other words can only
 * mean messages.
 */
export function isYes(text: string): boolean {
  return plain(text.slice(0, CHARACTERS_MAX)) === 'YES';
}

/** Upper case, without accents; everything but letters and digits becomes one space, and none at the ends. */
function plain(text: string): string {
  return text
    .normalize('NFKC')
    .normalize('NFD')
    .replaceAll(/[\p{M}\p{Cf}]/gu, '')
    .toUpperCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
