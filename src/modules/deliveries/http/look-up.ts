import { createHash } from 'node:crypto';
import type { MessageContent } from '../../../core/content/content.js';
import type { ListedMessage } from '../../../core/delivery/look-up.js';
import type { Sought } from '../connector.js';
import type { Correspondence, HttpAnswer } from './http-protocol.js';

/** One GET. */
export interface HttpQuestion {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface ListedPage {
  readonly messages: readonly ListedMessage[];
  /** Null at the end. */
  readonly next: HttpQuestion | null;
}

/** How one kind of provider is asked what it took. Pure: it neither sends nor waits. */
export interface LookUp {
  /** All of them are to be asked, to their last page; none: this one cannot be asked after. */
  questions(sought: Sought, correspondence: Correspondence): readonly HttpQuestion[];
  /** @returns null for an answer that says nothing */
  read(answer: HttpAnswer, sought: Sought, correspondence: Correspondence): ListedPage | null;
}

/** Of one question; nobody gets so many messages from us. */
const PAGES_MAX = 10;

/**
 * Asks all there is to ask.
 *
 * @param ask null when there was no answer
 * @returns null when any of it was not answered to its end
 */
export async function listedBy(
  lookUp: LookUp,
  sought: Sought,
  correspondence: Correspondence,
  ask: (question: HttpQuestion) => Promise<HttpAnswer | null>,
): Promise<readonly ListedMessage[] | null> {
  const questions = lookUp.questions(sought, correspondence);
  if (questions.length === 0) return null;
  const messages: ListedMessage[] = [];
  for (const first of questions) {
    let question: HttpQuestion | null = first;
    for (let page = 1; question !== null; page += 1) {
      const answer: HttpAnswer | null = page > PAGES_MAX ? null : await ask(question);
      const listed: ListedPage | null = answer === null ? null : lookUp.read(answer, sought, correspondence);
      if (listed === null) return null;
      messages.push(...listed.messages);
      question = listed.next;
    }
  }
  return messages;
}

/** By what a message is known again where the provider shows no id of ours: a text message by its words. Else null. */
export const fingerprintOf = (content: MessageContent): string | null =>
  content.channel === 'sms' ? fingerprintOfText(content.text) : null;

/** SHA-256 of the words, without space around them, which providers cut off. */
export const fingerprintOfText = (text: string): string => createHash('sha256').update(text.trim()).digest('hex');

/** The list under `name` in an answer; null for anything else. */
export function listAt(json: unknown, name: string): readonly unknown[] | null {
  const list: unknown = typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[name] : null;
  return Array.isArray(list) ? list : null;
}
