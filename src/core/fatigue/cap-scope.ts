import { unreachable } from '../kernel/assert.js';
import type { CapRule, CapScope, Contact } from './cap-rule.js';

/** What a scope looks at, alike in the contact that is thought of and in those of the ledger. */
type Scoped = Pick<Contact, 'channel' | 'purpose' | 'journeyKey' | 'tags' | 'group'>;

/** Whether a contact, made or only thought of, is one of those that the rule is about. */
export function concerns(rule: CapRule, contact: Scoped): boolean {
  return rule.purposes.includes(contact.purpose) && isInScope(rule.scope, contact);
}

function isInScope(scope: CapScope, contact: Scoped): boolean {
  switch (scope.kind) {
    case 'global':
      return true;
    case 'channel':
      return contact.channel === scope.channel;
    case 'journey':
      return contact.journeyKey === scope.journeyKey;
    case 'tag':
      return contact.tags.includes(scope.tag);
    case 'group':
      return contact.group === scope.group;
    default:
      return unreachable(scope);
  }
}

/**
 * Whether a contact that was made holds its place under the rule. One whose end nobody knows yet, or ever, always does,
 * also if the rule should list its state.
 */
export function takesPlace({ givesBackOn }: CapRule, { state }: Pick<Contact, 'state'>): boolean {
  return state === 'sending' || state === 'unknown' || !givesBackOn.includes(state);
}
