import type { Candidate, DecisionInput, Rival } from '../../src/core/decisions/types.js';
import type { Outcome } from '../../src/core/fatigue/outcome.js';
import { messagesOf, type Step } from '../../src/core/journeys/plan.js';
import { DAY_MS } from '../../src/core/kernel/instant.js';
import { placesElsewhere } from '../../src/core/users/places-elsewhere.js';
import { resolveJurisdictions } from '../../src/core/users/resolve-jurisdictions.js';
import { resolveZones } from '../../src/core/users/resolve-zones.js';
import { visitKey, type LedgerRow, type RunRow, type SuppressionRow, type UserRow } from './model.js';
import { clockOf, type Scene } from './scene.js';

/** Further than any cap, pause or tiredness of these worlds looks back. */
const HORIZON_MS = 40 * DAY_MS;

/** What a run asks: a message or decide step, at a visit. */
export interface StepRequest {
  readonly run: RunRow;
  readonly step: Extract<Step, { kind: 'message' | 'decide' }>;
  readonly visit: number;
  readonly ask: number;
}

/** Candidates whose message could not be rendered, with the fault. */
export type RenderFaults = ReadonlyMap<string, string>;

/** Everything that one decision rests on, as the store has it now. */
export function readInput(scene: Scene, request: StepRequest, faults: RenderFaults): DecisionInput {
  const { store } = scene;
  const { userId, runKey, journeyKey } = request.run;
  const user = store.user(userId);
  const run = store.run(runKey);
  const { capRules, quietRules, pauseRules, fatigueModel, factors, doNothingValue, holdouts } = store.definitions;
  const ledger = store.ledger.get(userId) ?? [];
  const contacts = ledger.filter(({ state }) => state !== 'released').sort((left, right) => right.at - left.at);
  const suppressions = store.suppressionsOf(user);
  const now = notBeforeKnown(scene, contacts, suppressions);
  const recent = contacts.filter(({ at }) => at > now - HORIZON_MS);
  const { id, attributes } = user;
  return {
    now,
    readyAt: Math.min(askedAtOf(scene, request) ?? now, now),
    user: {
      id,
      state: user.isErased ? 'erased' : 'known',
      attributes,
      ...placeOf(user),
    },
    isKillSwitchOn: store.isKillSwitchOn,
    run: { runKey, journeyKey, state: stateOf(run), conflict: run.conflict },
    otherRuns: otherRunsOf(scene, run),
    candidates: candidatesOf(scene, request, faults),
    doNothingValue,
    factors,
    consents: (store.consents.get(userId) ?? []).map(({ impliedFrom: _, ...record }) => record),
    suppressions: suppressions.map(({ userId: _, ...suppression }) => suppression),
    quietRules: [...quietRules, ...(store.journeyQuietRules.get(journeyKey) ?? [])],
    capRules,
    contacts: recent.map(({ idempotencyKey: _, ...contact }) => contact),
    pauseRules,
    fatigueModel,
    outcomes: outcomesOf(scene, userId, recent),
    rivals: rivalsOf(scene, run, now),
    beatenBy: beatenByOf(scene, request),
    holdouts,
  };
}

type Place = Pick<DecisionInput['user'], 'zones' | 'zoneSource' | 'jurisdictions' | 'placesElsewhere'>;
const placesKnown = new WeakMap<UserRow['hints'], Place>();

/** Where the person may be, found from what is stored of it, as src/modules/decisions/place.ts does. */
function placeOf({ hints }: UserRow): Place {
  const known = placesKnown.get(hints);
  if (known !== undefined) return known;
  const { declaredZones, places, phone } = hints;
  const unknown = { profileZone: null, contextZone: null, jurisdiction: null, workspaceZone: 'UTC' };
  const zones = declaredZones.length > 0 ? declaredZones : resolveZones({ ...unknown, phone }).zones;
  const profiles = places.length > 0 ? places : [null];
  const jurisdictions = [
    ...new Set(profiles.flatMap((profileJurisdiction) => resolveJurisdictions({ profileJurisdiction, phone }))),
  ];
  const zoneSource = declaredZones.length > 0 ? 'profile' : 'phone';
  const place = { zones, zoneSource, jurisdictions, placesElsewhere: placesElsewhere({ zones, jurisdictions }) };
  placesKnown.set(hints, place);
  return place;
}

/** A clock that was set back would hide what was written last: a decision never lies before a contact or a suppression. */
function notBeforeKnown(scene: Scene, contacts: readonly LedgerRow[], suppressions: readonly SuppressionRow[]): number {
  const now = clockOf(scene);
  const known = [
    ...(scene.flaws.has('contacts_ahead_unseen') ? [] : contacts.slice(0, 1).map(({ at }) => at)),
    ...(scene.flaws.has('suppressions_ahead_unseen') ? [] : suppressions.map(({ since }) => since)),
  ];
  return Math.max(now, ...known);
}

/** When this visit of the step asked first; null when it has not asked yet. */
export function askedAtOf({ store }: Scene, request: StepRequest): number | null {
  const prefix = `${visitKey({ runKey: request.run.runKey, stepId: request.step.id, visit: request.visit })}|`;
  let first: number | null = null;
  // The first ask of a visit is number 1; a question that was never stored leaves a gap.
  for (let ask = 1; ask <= request.ask; ask += 1) {
    const row = store.answers.get(`${prefix}${ask}`);
    if (row !== undefined) first = Math.min(first ?? row.askedAt, row.askedAt);
  }
  return first;
}

export function stateOf({ isExitRequested, isEnded, isPaused }: RunRow): Rival['runState'] {
  if (isExitRequested || isEnded) return 'exited';
  return isPaused ? 'paused' : 'active';
}

/** The candidates of a step for this person, as they stand in the definitions now. */
function candidatesOf(
  { store }: Scene,
  { run, step }: Pick<StepRequest, 'run' | 'step'>,
  faults: RenderFaults,
): readonly Candidate[] {
  const { actions, templates } = store.definitions;
  const { addresses } = store.user(run.userId);
  const found =
    step.kind === 'message'
      ? messagesOf(step).map(({ template }) => templates.get(template))
      : step.actions.map((key) => actions.get(key));
  return found.flatMap((candidate) => {
    if (candidate === undefined) return [];
    const { key, channel } = candidate;
    const ttls = [candidate.ttlMs, step.ttlMs ?? null].filter((ttlMs) => ttlMs !== null);
    return {
      ...candidate,
      ttlMs: ttls.length === 0 ? null : Math.min(...ttls),
      renderFault: faults.get(key) ?? null,
      addressHash: addresses[channel] ?? null,
    };
  });
}

function otherRunsOf({ store }: Scene, run: RunRow): DecisionInput['otherRuns'] {
  return store.runsOf(run.userId).flatMap((other) => {
    const { runKey, journeyKey, conflict } = other;
    return conflict === null || runKey === run.runKey || stateOf(other) !== 'active'
      ? []
      : { ...conflict, runKey, journeyKey };
  });
}

function outcomesOf({ store }: Scene, userId: string, contacts: readonly LedgerRow[]): readonly Outcome[] {
  const reported = store.outcomes.get(userId) ?? [];
  const known = new Set(reported.map(({ decisionId, kind }) => `${kind} ${decisionId}`));
  const told = contacts.flatMap(({ decisionId, at, channel, purpose, action, group, state }): Outcome[] => {
    if (['sending', 'released', 'unknown'].includes(state)) return [];
    return [{ decisionId, kind: state === 'failed' ? 'failed' : 'sent', at, channel, purpose, action, group }];
  });
  return [...reported, ...told.filter(({ decisionId, kind }) => !known.has(`${kind} ${decisionId}`))];
}

function rivalsOf({ store }: Scene, run: RunRow, now: number): readonly Rival[] {
  return [...store.pending.values()]
    .filter(({ userId, runKey, passesOnAt }) => userId === run.userId && runKey !== run.runKey && passesOnAt > now)
    .sort((left, right) => left.opening - right.opening || (left.runKey < right.runKey ? -1 : 1))
    .map(({ runKey, stepId, candidate, opening, passesOnAt }) => {
      const { journeyKey, ...row } = store.run(runKey);
      return { runKey, journeyKey, stepId, runState: stateOf({ journeyKey, ...row }), candidate, opening, passesOnAt };
    });
}

function beatenByOf({ store }: Scene, { run, step, visit }: StepRequest): string | null {
  const row = store.pending.get(run.runKey);
  return row !== undefined && row.stepId === step.id && row.visit === visit ? row.beatenBy : null;
}
