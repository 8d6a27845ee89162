import { decide } from '../../src/core/decisions/decide.js';
import { waitingCandidate } from '../../src/core/decisions/waiting-candidate.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import type { DecisionRow, DeliveryRow, Question, Store } from './model.js';
import type { Call, Provider } from './provider.js';
import type { World } from './world.js';

/** The functions of the core that decide; planted faults stand in for them. */
export interface Core {
  readonly decide: typeof decide;
  readonly waitingCandidate: typeof waitingCandidate;
}

/** The core as it is. */
export const CORE: Core = { decide, waitingCandidate };

/** Mistakes that the protocol around the core could make; planted to see whether the checkers notice. */
export type Flaw =
  | 'claims_on_first_opinion'
  | 'kill_switch_read_early'
  | 'give_back_lost'
  | 'reclaim_not_counted'
  | 'old_line_revived'
  | 'contacts_ahead_unseen'
  | 'suppressions_ahead_unseen'
  | 'sends_again_after_crash'
  | 'question_asked_twice'
  | 'overdue_called_failed'
  | 'winner_not_told'
  | 'answer_overwritten'
  | 'claim_not_timed'
  | 'dead_not_retried';

/** One contact that was taken. */
interface Claim {
  readonly delivery: DeliveryRow;
  readonly decision: DecisionRow;
  /** Since when its step has asked. */
  readonly readyAt: number;
  /** Whether its run had waited for an opening. */
  readonly hasWaited: boolean;
}

/** What happened in one tick, for the checkers. */
export interface Journal {
  readonly decisions: DecisionRow[];
  readonly claims: Claim[];
  readonly calls: Call[];
  readonly answers: { readonly question: Question; readonly answer: StepAnswer }[];
}

export const emptyJournal = (): Journal => ({ decisions: [], claims: [], calls: [], answers: [] });

/** Everything that the parts of one simulation share. */
export interface Scene {
  readonly world: World;
  readonly store: Store;
  readonly provider: Provider;
  readonly core: Core;
  readonly flaws: ReadonlySet<Flaw>;
  /** The only rules whose breaking counts; null for all. */
  readonly watched: ReadonlySet<string> | null;
  /** What no clock of ours shows exactly: it never goes back. */
  now: number;
  /** How far the database's clock is from it; changes when somebody sets that clock. */
  skewMs: number;
  journal: Journal;
  /** How often each thing happened, so that a silent simulation is noticed. */
  readonly counts: Map<string, number>;
  readonly note: (userId: string | null, text: () => string) => void;
}

/** What the database's clock shows. */
export const clockOf = ({ now, skewMs }: Scene): number => now + skewMs;

export function count({ counts }: Scene, what: string, by = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + by);
}
