import type { ConsentRecord } from '../../src/core/consent/consent-record.js';
import type { Candidate, Decision, DecisionInput, RunConflict } from '../../src/core/decisions/types.js';
import type { DeliveryState } from '../../src/core/delivery/delivery-state.js';
import type { Contact } from '../../src/core/fatigue/cap-rule.js';
import type { Outcome } from '../../src/core/fatigue/outcome.js';
import type { Plan } from '../../src/core/journeys/plan.js';
import type { StepAnswer } from '../../src/core/journeys/step-answer.js';
import type { QuietRule } from '../../src/core/quiet-hours/quiet-rule.js';
import type { Suppression } from '../../src/core/suppression/suppression.js';
import type { Whereabouts } from './places.js';

// What the database would hold: plain rows, replaced and never changed in place, so that what was read stays as it was.

/** A person as stored, and where the person really is. */
export interface UserRow extends Whereabouts {
  readonly id: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Keyed hash of the address on each channel; left out where the person has none. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly isErased: boolean;
}

/** The rules and the content that operators set. */
export interface Definitions extends Pick<
  DecisionInput,
  'capRules' | 'quietRules' | 'pauseRules' | 'fatigueModel' | 'factors' | 'doNothingValue' | 'holdouts'
> {
  /** By key, for nobody in particular. */
  readonly actions: ReadonlyMap<string, Candidate>;
  readonly templates: ReadonlyMap<string, Candidate>;
}

export interface Journey {
  readonly key: string;
  readonly plan: Plan;
  readonly quietRules: readonly QuietRule[];
  readonly conflict: { readonly group: string; readonly priority: number } | null;
}

/** One enrolment as stored: what holds whether or not the run has heard of it. */
export interface RunRow {
  readonly runKey: string;
  readonly journeyKey: string;
  readonly userId: string;
  readonly enteredAt: number;
  readonly conflict: RunConflict | null;
  readonly isExitRequested: boolean;
  readonly isPaused: boolean;
  readonly isEnded: boolean;
}

/** A statement, and from what consent is implied; the place whose law says how long that lasts. */
export type ConsentRow = ConsentRecord & {
  readonly impliedFrom?: { readonly evidenceKind: 'purchase' | 'inquiry'; readonly place: string } | undefined;
};

/** A suppression and whom it is about. */
export type SuppressionRow = Suppression & { readonly userId: string | null };

/** A line of the contact ledger, with the key that later words find it by. */
export type LedgerRow = Contact & { readonly idempotencyKey: string };

export interface DeliveryRow {
  readonly idempotencyKey: string;
  readonly userId: string;
  readonly runKey: string;
  readonly journeyKey: string;
  readonly decisionId: string;
  readonly candidate: Candidate;
  readonly state: DeliveryState;
  readonly attempt: number;
  readonly token: number;
  readonly claimedAt: number;
  readonly deadlineAt: number;
}

/** One question of one run: the n-th ask of the n-th visit of a step. */
export interface Question {
  readonly runKey: string;
  readonly stepId: string;
  readonly visit: number;
  readonly ask: number;
}

export interface AnswerRow extends Question {
  readonly answer: StepAnswer | null;
  readonly askedAt: number;
}

export interface PendingRow {
  readonly runKey: string;
  readonly stepId: string;
  readonly visit: number;
  readonly userId: string;
  readonly candidate: Candidate;
  readonly opening: number;
  readonly passesOnAt: number;
  readonly beatenBy: string | null;
}

export interface DecisionRow {
  readonly id: string;
  readonly question: Question;
  readonly userId: string;
  readonly input: DecisionInput;
  readonly decision: Decision;
}

export const questionKey = ({ runKey, stepId, visit, ask }: Question): string => `${runKey}|${stepId}|${visit}|${ask}`;
export const visitKey = ({ runKey, stepId, visit }: Omit<Question, 'ask'>): string => `${runKey}|${stepId}|${visit}`;

/** The database, as far as decisions and sends are concerned with it. */
export class Store {
  readonly #deliveries = new Map<string, Map<string, DeliveryRow>>();
  readonly #owners = new Map<string, string>();
  readonly #runKeys = new Map<string, string[]>();
  readonly users = new Map<string, UserRow>();
  readonly runs = new Map<string, RunRow>();
  readonly consents = new Map<string, ConsentRow[]>();
  readonly ledger = new Map<string, LedgerRow[]>();
  readonly outcomes = new Map<string, Outcome[]>();
  readonly answers = new Map<string, AnswerRow>();
  readonly pending = new Map<string, PendingRow>();
  readonly decisions: DecisionRow[] = [];
  /** Quiet hours that a journey sets for itself, by journey. */
  readonly journeyQuietRules = new Map<string, readonly QuietRule[]>();
  suppressions: readonly SuppressionRow[] = [];
  isKillSwitchOn = false;
  definitions: Definitions;

  constructor(definitions: Definitions) {
    this.definitions = definitions;
  }

  user(id: string): UserRow {
    return found(this.users.get(id), id);
  }

  run(key: string): RunRow {
    return found(this.runs.get(key), key);
  }

  runsOf(userId: string): readonly RunRow[] {
    return (this.#runKeys.get(userId) ?? []).map((key) => this.run(key));
  }

  /** Those of the user as such and of any of the user's addresses. */
  suppressionsOf({ id, addresses }: UserRow): readonly SuppressionRow[] {
    const hashes = new Set(Object.values(addresses));
    return this.suppressions.filter(
      ({ userId, addressHash }) => userId === id || (addressHash !== null && hashes.has(addressHash)),
    );
  }

  deliveriesOf(userId: string): readonly DeliveryRow[] {
    return [...(this.#deliveries.get(userId)?.values() ?? [])];
  }

  delivery(idempotencyKey: string): DeliveryRow | null {
    return this.#deliveries.get(this.#owners.get(idempotencyKey) ?? '')?.get(idempotencyKey) ?? null;
  }

  putDelivery(delivery: DeliveryRow): void {
    const { userId, idempotencyKey } = delivery;
    this.#owners.set(idempotencyKey, userId);
    const ofUser = this.#deliveries.get(userId) ?? new Map<string, DeliveryRow>();
    this.#deliveries.set(userId, ofUser.set(idempotencyKey, delivery));
  }

  putRun(run: RunRow): void {
    if (!this.runs.has(run.runKey)) append(this.#runKeys, run.userId, run.runKey);
    this.runs.set(run.runKey, run);
  }

  /** The delivery's state, and the state of its line in the ledger with it. */
  moveDelivery(delivery: DeliveryRow, state: DeliveryState): void {
    this.putDelivery({ ...delivery, state });
    const lines = this.ledger.get(delivery.userId) ?? [];
    const index = lines.findIndex(({ idempotencyKey }) => idempotencyKey === delivery.idempotencyKey);
    const line = lines[index];
    if (line !== undefined) lines[index] = { ...line, state };
  }
}

function found<T>(row: T | undefined, key: string): T {
  if (row === undefined) throw new Error(`no row: ${key}`);
  return row;
}

/** Adds to the list that stands under `key`, which may not be there yet. */
export function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
