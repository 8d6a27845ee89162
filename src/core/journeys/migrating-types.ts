import type { InstantMs } from '../kernel/instant.js';
import type { Plan } from './plan.js';

/** Where runs that stand at one step go on, and whether what they wait for there keeps its end. */
export interface MigrationTarget {
  readonly step: string;
  /** `wait`: a wait under way goes on as the wait of the new step. `restart`: the new step is entered. */
  readonly keep: 'wait' | 'restart';
}

/** How runs of one version go on in another one. */
export interface Migration {
  readonly id: string;
  /** Version of the runs that are meant. */
  readonly from: number;
  /** Of the version to go on in, as it was published. */
  readonly plan: Plan;
  /** By ids of the old version's steps; runs at any other step finish the old version. */
  readonly steps: Readonly<Record<string, MigrationTarget>>;
  /** Which template is behind an action, as `<channel>:<template>`. */
  readonly offers: Readonly<Record<string, string>>;
  /** What happens from here on was heard for both versions. */
  readonly listensFrom: InstantMs;
  /** Whom the run is about. */
  readonly unit: { readonly userId: string; readonly runKey: string };
}

/**
 * Why a run stays in its version.
 * - `not_mapped`: the migration says nothing about the step that it stands at.
 * - `would_repeat`: in the other version it could come to a message that it may have sent.
 * - `other_version`: it is in another version than the one that the migration is about.
 */
export type StayReason = 'not_mapped' | 'would_repeat' | 'other_version';

/** What became of a migration for one run. */
export interface Settling {
  readonly migration: string;
  readonly outcome: 'moved' | 'stayed';
  readonly reason: StayReason | null;
  /** Where the run stood. */
  readonly from: string;
  /** Whether it goes on with the wait that it was in. */
  readonly isWaitKept: boolean;
}
