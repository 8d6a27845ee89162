/** One message that a provider says it took, to the address and by the account of the one that is sought. */
export interface ListedMessage {
  /** The provider's id. */
  readonly id: string;
  /** Whether it carries our id, or else the very words of the message that is sought. */
  readonly isAlike: boolean;
}

/** Our other messages of the very same words, to the same address by the same account, of which no provider's id is known. */
export interface Rivals {
  /** Heard of since: each of them owns one of the messages that are listed. */
  readonly heard: number;
  /** Under way: their answer may still name one. */
  readonly alive: number;
}

/**
 * Whether a provider took the message of an attempt that has no answer.
 * - `taken`: it did, by this id.
 * - `not_taken`: it lists nothing that could be it. To be believed when it is found again, a while later.
 * - `unsure`: nobody can tell yet.
 */
export type Finding =
  | { readonly kind: 'taken'; readonly providerMessageId: string }
  | { readonly kind: 'not_taken' }
  | { readonly kind: 'unsure' };

/**
 * What a list of messages says about one that is sought. A message that another delivery of ours owns is not it, so that
 * two of the same words are told apart. One that nobody owns and whose words are others may be what the provider made of
 * ours: then nobody can tell.
 *
 * @param question.owned ids that other deliveries own
 */
export function findingOf(question: {
  readonly listed: readonly ListedMessage[];
  readonly owned: ReadonlySet<string>;
  readonly rivals: Rivals;
}): Finding {
  const { rivals } = question;
  const free = question.listed.filter(({ id }) => !question.owned.has(id));
  const alike = free.filter(({ isAlike }) => isAlike);
  const [mine] = alike.slice(rivals.heard);
  if (mine !== undefined) {
    return rivals.alive > 0 ? { kind: 'unsure' } : { kind: 'taken', providerMessageId: mine.id };
  }
  return free.length > alike.length ? { kind: 'unsure' } : { kind: 'not_taken' };
}
