import { contentsBefore, contentsOfSteps, firstRepeat, stepsAfter } from './migrating-repeats.js';
import { waitSortOf } from './migrating.js';
import type { Migration, MigrationTarget } from './migrating-types.js';
import type { Plan } from './plan.js';

/** A step of a map as it is asked for: left out, a wait is kept wherever the new step can take it over. */
export interface WantedTarget {
  readonly step: string;
  readonly keep?: MigrationTarget['keep'] | undefined;
}

/** What is wrong with a map, and where. */
interface MapFault {
  readonly path: string;
  readonly message: string;
}

/** A map that runs can be moved by, or everything that is wrong with it. */
export type ReadMap =
  | { readonly kind: 'map'; readonly steps: Migration['steps'] }
  | { readonly kind: 'faults'; readonly faults: readonly MapFault[] };

/**
 * Reads which step of one version leads to which step of another. Refused are steps that do not exist, waits that the
 * new step cannot take over, and targets from which a run could come to a message that it may have sent: by the same step
 * id, the same template on the same channel, or the same action; unless it could be sent once more in the old version too.
 *
 * @param offers the template behind each action, as `<channel>:<template>`
 */
export function readMap(
  from: Plan,
  to: Plan,
  wanted: Readonly<Record<string, WantedTarget>>,
  offers: Migration['offers'],
): ReadMap {
  const faults: MapFault[] = [];
  const steps: [string, MigrationTarget][] = [];
  if (from.version === to.version) faults.push({ path: 'to_version', message: 'is the version that the runs are in' });
  for (const [id, target] of Object.entries(wanted)) {
    const read = readTarget(from, to, id, target, offers);
    if (typeof read === 'string') faults.push({ path: `steps.${id}`, message: read });
    else steps.push([id, read]);
  }
  return faults.length > 0 ? { kind: 'faults', faults } : { kind: 'map', steps: Object.fromEntries(steps) };
}

function readTarget(
  from: Plan,
  to: Plan,
  id: string,
  wanted: WantedTarget,
  offers: Migration['offers'],
): MigrationTarget | string {
  const old = Object.hasOwn(from.steps, id) ? from.steps[id] : undefined;
  if (old === undefined) return `version ${from.version} has no step "${id}"`;
  const target = Object.hasOwn(to.steps, wanted.step) ? to.steps[wanted.step] : undefined;
  if (target === undefined) return `version ${to.version} has no step "${wanted.step}"`;
  const canKeep = waitSortOf(old) !== null && waitSortOf(old) === waitSortOf(target);
  if (wanted.keep === 'wait' && !canKeep) return `"${target.id}" cannot go on with the wait of "${id}"`;
  const repeat = firstRepeat(to, [target.id, ...stepsAfter(to, target.id)], {
    sent: contentsBefore(from, id, offers),
    again: contentsOfSteps(from, [id, ...stepsAfter(from, id)], offers),
    offers,
  });
  if (repeat !== null) return `a run could come to "${repeat}", and may have sent the same before`;
  return { step: target.id, keep: wanted.keep ?? (canKeep ? 'wait' : 'restart') };
}
