import type { InstantMs } from '../../core/kernel/instant.js';
import type { Block, BlockKind } from './blocks.js';

/** What an address of the channel is called. */
const PLACES: Readonly<Record<string, string>> = { email: 'this address', sms: 'this number', push: 'this device' };

interface Words {
  readonly because: string;
  /** What the person can do. */
  readonly remedy: string;
}

/** For a person: no code, no blame, and nothing that only an operator understands. */
const WORDS: Readonly<Record<BlockKind, (place: string, company: string) => Words>> = {
  stop_by_text: (place) => ({
    because: `STOP was texted from ${place}`,
    remedy: 'To end that, text START to the number that our messages come from; a tick here cannot.',
  }),
  stop: (_place, company) => ({ because: 'we were told to stop', remedy: lifting(company) }),
  hard_bounce: (place, company) => ({
    because: `messages to ${place} came back`,
    remedy: `If it works again, or there is another one, please tell ${company}.`,
  }),
  soft_bounce: (place, company) => ({
    because: `several messages to ${place} came back`,
    remedy: `If it works again, or there is another one, please tell ${company}.`,
  }),
  complaint: (_place, company) => ({ because: 'a message from us was reported as spam', remedy: lifting(company) }),
  unsubscribe: () => ({ because: 'you unsubscribed', remedy: 'To end that, tick it and save.' }),
  unsubscribe_of_address: (place, company) => ({ because: `${place} was unsubscribed`, remedy: lifting(company) }),
  review: (place, company) => ({
    because: `a text message from ${place} seemed to ask for an end`,
    remedy: `${company} has to read it first; please say if it was not meant.`,
  }),
  manual: (_place, company) => ({ because: `${company} has stopped it`, remedy: lifting(company) }),
  erasure: (place, company) => ({
    because: `${place} was erased at the wish of whoever had it`,
    remedy: `That is for good. With another one messages can come: please tell ${company}.`,
  }),
};

const lifting = (company: string): string =>
  `A tick here cannot end that. If you want it again, please ask ${company}.`;

/**
 * Sentences about what keeps the messages of a channel away, each kind once: why, until when, and what can be done.
 *
 * @param company may be escaped already
 */
export function blockWords(blocks: readonly Block[], channel: string, company: string): readonly string[] {
  const once = blocks.filter(({ kind }, index) => blocks.findIndex((block) => block.kind === kind) === index);
  return once.map(({ kind, until }) => {
    const { because, remedy } = WORDS[kind](PLACES[channel] ?? 'you', company);
    return `because ${because}${until === null ? '' : `, until ${dayOf(until)}`}. ${remedy}`;
  });
}

/** The clock of the person is not known for certain, so the day is named with its zone. */
const dayOf = (at: InstantMs): string =>
  `${new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(at)} UTC`;
