import { assert, unreachable } from '../kernel/assert.js';
import type { InstantMs } from '../kernel/instant.js';
import type { Outcome } from './outcome.js';
import type { PauseRule } from './pause-rule.js';
import { replayContacts, type ReplayedContact } from './replay-contacts.js';

/** Of one action, group or channel. */
interface Rest {
  /** The last instants at which an outcome counted: no more than the rule's count, oldest first. */
  readonly countedAt: InstantMs[];
  /** First instant after the last pause. */
  until: InstantMs;
}

/**
 * Which of one person's past contacts a pause would have stopped: the contacts are made again in their order, and one
 * that is stopped has no outcome that could begin or renew a pause. The answer is that of `gatePauses`, asked contact by
 * contact, but the time it takes grows with the history and not with its square.
 *
 * @param input.contacts in any order; those for other purposes are never stopped
 * @param input.outcomes what was reported, also of contacts that are not among these; in any order
 * @returns the stopped ones, oldest first
 * @throws AssertionError if the rule's count is no whole number >= 1
 */
export function previewPause<Past extends ReplayedContact>(input: {
  readonly rule: PauseRule;
  readonly contacts: readonly Past[];
  readonly outcomes: readonly Outcome[];
}): readonly Past[] {
  const { rule, contacts, outcomes } = input;
  assert(Number.isInteger(rule.count) && rule.count >= 1, `count of ${rule.id} is none: ${rule.count}`);
  const rests = new Map<string, Rest>();
  return replayContacts({
    contacts,
    outcomes,
    rule: {
      isStopped: (contact) => {
        const subject = subjectOf(rule, contact);
        if (subject === null || !rule.purposes.includes(contact.purpose)) return false;
        return (rests.get(subject)?.until ?? Number.NEGATIVE_INFINITY) > contact.at;
      },
      onMade: () => undefined,
      onOutcome: (outcome) => {
        const subject = subjectOf(rule, outcome);
        if (subject === null || !rule.outcomes.includes(outcome.kind) || !rule.purposes.includes(outcome.purpose))
          return;
        const rest = rests.get(subject) ?? { countedAt: [], until: Number.NEGATIVE_INFINITY };
        rests.set(subject, rest);
        count(rule, rest, outcome.at);
      },
    },
  });
}

/** Outcomes come oldest first: a pause that begins later ends later. */
function count({ count: enough, withinMs, pauseMs }: PauseRule, rest: Rest, at: InstantMs): void {
  rest.countedAt.push(at);
  if (rest.countedAt.length > enough) rest.countedAt.shift();
  const [first] = rest.countedAt;
  if (rest.countedAt.length === enough && first !== undefined && first > at - withinMs) rest.until = at + pauseMs;
}

function subjectOf({ scope }: PauseRule, about: Pick<Outcome, 'action' | 'group' | 'channel'>): string | null {
  switch (scope) {
    case 'action':
    case 'group':
    case 'channel':
      return about[scope];
    default:
      return unreachable(scope);
  }
}
