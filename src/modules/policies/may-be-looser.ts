import { canonicalJson } from '../../core/kernel/canonical-json.js';
import { unreachable } from '../../core/kernel/assert.js';
import type { Cap, Pause } from './contact-definitions.dto.js';
import { toMs } from './definition-fields.js';
import type { PolicyDefinition } from './policies.dto.js';

/**
 * Whether a change of policy may let somebody be contacted who could not be before, or sooner. In doubt it may: then
 * runs are woken that find out that nothing has changed, which does no harm.
 *
 * @param before in force until now; null when nothing was
 * @param after in force from now on; null when the policy is lifted
 */
export function mayBeLooser(before: PolicyDefinition | null, after: PolicyDefinition | null): boolean {
  if (before === null) return after !== null && isChoice(after);
  if (after === null || after.kind !== before.kind) return true;
  if (canonicalJson(before) === canonicalJson(after)) return false;
  switch (after.kind) {
    case 'cap':
      return before.kind !== 'cap' || !isCapAtLeastAsStrict(before, after);
    case 'pause':
      return before.kind !== 'pause' || !isPauseAtLeastAsStrict(before, after);
    case 'quiet_hours':
    case 'legal_overlay':
    case 'fatigue':
    case 'holdout':
    case 'lever':
    case 'arbitration':
      return true;
    default:
      return unreachable(after);
  }
}

/** These rank; they hold nobody back by themselves, so whatever they change may bring something to the front. */
function isChoice({ kind }: PolicyDefinition): boolean {
  return kind === 'lever' || kind === 'arbitration';
}

function isCapAtLeastAsStrict(before: Cap, after: Cap): boolean {
  return (
    canonicalJson(after.scope) === canonicalJson(before.scope) &&
    after.on_hit === before.on_hit &&
    (after.limit ?? 1) <= (before.limit ?? 1) &&
    includesAll(after.purposes, before.purposes) &&
    includesAll(before.gives_back_on, after.gives_back_on) &&
    isWindowAtLeastAsLong(before.window, after.window)
  );
}

function isWindowAtLeastAsLong(before: Cap['window'], after: Cap['window']): boolean {
  if (before.kind === 'calendar' || after.kind === 'calendar') return canonicalJson(before) === canonicalJson(after);
  // A minimum gap is a rolling window with a limit of 1, and the limits are compared by themselves.
  return toMs(after.duration) >= toMs(before.duration);
}

function isPauseAtLeastAsStrict(before: Pause, after: Pause): boolean {
  return (
    after.scope === before.scope &&
    after.count <= before.count &&
    toMs(after.within) >= toMs(before.within) &&
    toMs(after.pause_for) >= toMs(before.pause_for) &&
    includesAll(after.purposes, before.purposes) &&
    includesAll(after.outcomes, before.outcomes)
  );
}

function includesAll<T>(all: readonly T[], some: readonly T[]): boolean {
  return some.every((each) => all.includes(each));
}
