import type { InstantMs } from '../kernel/instant.js';
import type { CapRule, Contact } from './cap-rule.js';
import { concerns, takesPlace } from './cap-scope.js';
import { windowsAt } from './cap-window.js';

/** What a limit looks at in a contact. */
type Limited = Omit<Contact, 'action'>;

/**
 * Which of one person's past contacts a limit would have stopped: the contacts are made again in their order, and one
 * that is stopped takes no place from those after it. Each contact has the state that it has today, so one that failed
 * later gives its place back from the start.
 *
 * @param input.contacts in any order; those that the rule is not about are never stopped
 * @returns the stopped ones, oldest first
 * @throws AssertionError if a zone does not exist
 */
export function previewRule<Past extends Limited>(input: {
  readonly rule: CapRule;
  readonly contacts: readonly Past[];
  readonly zones: readonly string[];
}): readonly Past[] {
  const { rule, zones } = input;
  const stopped: Past[] = [];
  const madeAt: InstantMs[] = [];
  for (const contact of input.contacts.filter((one) => concerns(rule, one)).sort(oldestFirst)) {
    const windows = windowsAt({ window: rule.window, zones, now: contact.at });
    // Of the contacts that hold a place, the `limit`-th from the end must have left every window.
    const leaving = rule.limit === 0 ? contact.at : madeAt[madeAt.length - rule.limit];
    if (leaving !== undefined && windows.some(({ after }) => leaving > after)) stopped.push(contact);
    else if (takesPlace(rule, contact)) madeAt.push(contact.at);
  }
  return stopped;
}

function oldestFirst(left: Limited, right: Limited): number {
  return left.at - right.at || (left.decisionId < right.decisionId ? -1 : 1);
}
