import type { Contact } from './cap-rule.js';
import { distinctOutcomes, type Outcome } from './outcome.js';
import { outcomeOfState } from './outcome-of-state.js';

/** What a rule that goes by contacts and outcomes looks at in a contact. */
export type ReplayedContact = Omit<Contact, 'journeyKey' | 'tags'>;

/** A rule under which contacts are made again: it is told of everything in its order. */
export interface ReplayedRule<Past> {
  /** Whether the contact would be stopped after all that the rule was told of up to now. */
  readonly isStopped: (contact: Past) => boolean;
  /** A contact that was not stopped. */
  readonly onMade: (contact: Past) => void;
  /** Something that became of a contact that was not stopped, at its instant, which is never before the contact. */
  readonly onOutcome: (outcome: Outcome) => void;
}

interface Turn {
  readonly outcome: Outcome;
  /** Place among the contacts of the one of which it tells; -1 for one that is not among them. */
  readonly of: number;
}

/**
 * Which of one person's past contacts a rule would have stopped: the contacts are made again in their order, and what
 * became of one that is stopped never happens. Each contact has the state that it has today. Outcomes of contacts that
 * are not among these (older ones, and what rests on a contract) happen in any case.
 *
 * @param input.contacts in any order
 * @param input.outcomes what was reported, in any order; a kind that is told of one contact twice counts at its first
 *   instant, as in the gates
 * @returns the stopped ones, oldest first
 */
export function replayContacts<Past extends ReplayedContact>(input: {
  readonly contacts: readonly Past[];
  readonly outcomes: readonly Outcome[];
  readonly rule: ReplayedRule<Past>;
}): readonly Past[] {
  const { rule } = input;
  const contacts = [...input.contacts].sort(oldestFirst);
  const turns = turnsOf(contacts, input.outcomes);
  const stopped: Past[] = [];
  const stoppedPlaces = new Set<number>();
  let next = 0;
  for (const [place, contact] of contacts.entries()) {
    for (let turn = turns[next]; turn !== undefined && isBefore(turn, contact, place); turn = turns[next]) {
      next += 1;
      if (!stoppedPlaces.has(turn.of)) rule.onOutcome(turn.outcome);
    }
    if (rule.isStopped(contact)) {
      stopped.push(contact);
      stoppedPlaces.add(place);
    } else rule.onMade(contact);
  }
  return stopped;
}

/** In the order in which they happen: never before the contact of which they tell. */
function turnsOf(contacts: readonly ReplayedContact[], reported: readonly Outcome[]): readonly Turn[] {
  const placeOf = new Map(contacts.map(({ decisionId }, place) => [decisionId, place]));
  const known = new Set(reported.map(keyOf));
  const told = contacts.flatMap((contact) => outcomeOfState(contact) ?? []);
  const outcomes = [...distinctOutcomes(reported), ...told.filter((outcome) => !known.has(keyOf(outcome)))];
  const turns = outcomes.map((outcome): Turn => {
    const of = placeOf.get(outcome.decisionId) ?? -1;
    const madeAt = contacts[of]?.at ?? outcome.at;
    return { outcome: outcome.at < madeAt ? { ...outcome, at: madeAt } : outcome, of };
  });
  return turns.sort((left, right) => left.outcome.at - right.outcome.at || left.of - right.of);
}

const keyOf = ({ kind, decisionId }: Outcome): string => `${kind} ${decisionId}`;

/** Of one millisecond, what became of an earlier contact comes before the next contact. */
function isBefore({ outcome, of }: Turn, { at }: ReplayedContact, place: number): boolean {
  return outcome.at < at || (outcome.at === at && of < place);
}

/** Of two contacts in one millisecond the one with the larger id, which was given later, is the later one. */
function oldestFirst(left: ReplayedContact, right: ReplayedContact): number {
  return left.at - right.at || (left.decisionId < right.decisionId ? -1 : 1);
}
